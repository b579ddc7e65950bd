import type { Random } from '../../../device-simulator/core/random.ts';
import { pick } from './mutate.ts';

/** Values as text, so that there are some that no JavaScript writes. */
const values = [
  ...[
    'null',
    'true',
    '"true"',
    '0',
    '-0',
    '-1',
    '1.5',
    '1e400',
    '-1e400',
    '9007199254740993',
    '86401',
    '1'.repeat(400),
  ],
  ...[
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\u202e"',
    '"\\u009b2K"',
    '"a\\r\\nb"',
    '"\\u2028"',
    '"../../etc/passwd"',
    '"%0d%0a"',
  ],
  ...[
    '"\' OR 1=1 --"',
    '"__proto__"',
    '"*"',
    '"+/#"',
    `"${'d'.repeat(129)}"`,
    '[]',
    '{}',
    '{"toString":1}',
    '[[[[]]]]',
  ],
  ...[
    '{"$gt":""}',
    '{"__proto__":{"admin":true}}',
    '["g","g"]',
    `[${'"g",'.repeat(40)}"g"]`,
    'NaN',
    'Infinity',
    "'x'",
    '+1',
  ],
];
const names = [
  ...['deviceId', 'kind', 'boundTo', 'enabled', 'groups', 'certificateFingerprint', 'level', 'forSeconds', 'secret'],
  ...['secretHash', 'scope', 'admin', '__proto__', 'constructor', 'prototype', 'toString', 'length', ''],
];

/** What is larger when it was read than it looks, or never ends. */
const bombs: readonly ((random: Random) => string)[] = [
  (random) => '['.repeat(1 + random.integer(16_000)),
  (random) => {
    const depth = 1 + random.integer(8_000);
    return `${'['.repeat(depth)}${']'.repeat(depth)}`;
  },
  (random) => {
    const depth = 1 + random.integer(2_500);
    return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  },
  () => `[${'{},'.repeat(5_000)}{}]`,
  () => `{${Array.from({ length: 1_200 }, (_, index) => `"k${index}":${index}`).join(',')}}`,
  () => `{"deviceId":"${'\\u0000'.repeat(2_500)}"}`,
  () => '1'.repeat(16_000),
  () => `{"deviceId":"${'d'.repeat(17_000)}"}`,
  () => '{"enabled":true}'.repeat(900),
  () => '',
  () => '\ufeff{"enabled":true}',
];

/** Members that nobody writes: added, in place of others, twice; or no JSON at all. */
export function spoiltMembers(json: string, random: Random): string {
  if (random.chance(0.2)) return pick(random, bombs)(random);
  const member = `${JSON.stringify(pick(random, names))}:${pick(random, values)}`;
  if (random.chance(0.2)) return `{${member}}`;
  const separator = json === '{}' ? '' : ',';
  if (random.chance(0.5)) return `${json.slice(0, -1)}${separator}${member}}`;
  // The value of a member that is there already.
  const members = json.slice(1, -1).split(',');
  const at = random.integer(members.length);
  const [name] = (members[at] ?? '').split(':');
  return `{${members.with(at, `${name === '' ? '"x"' : name}:${pick(random, values)}`).join(',')}}`;
}
