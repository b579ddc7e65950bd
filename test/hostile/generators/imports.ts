import type { Random } from '../../../device-simulator/core/random.ts';
import { mutateBytes, pick } from './mutate.ts';

interface ImportBody {
  readonly type: string;
  readonly body: string | Buffer;
}

const columns = ['device_id', 'kind', 'bound_to', 'secret', 'enabled', 'groups', 'certificate_fingerprint'];
const header = columns.join(',');
const longLine = 9_000;

/** What may stand in a field: what ends one, a line, a terminal's patience; what spreadsheets take for a formula. */
const fields = [
  ...[
    '',
    '"',
    '""',
    '"unclosed',
    '"a"b',
    'a\rb',
    '"a\r\nb"',
    '\0',
    '\x7f',
    '\u009b2K',
    '\u2028',
    '\u202e',
    '\u{1f600}',
  ],
  ...[
    "=cmd|' /C calc'!A0",
    '@SUM(1)',
    '-1',
    '../../etc/passwd',
    '__proto__',
    'tram',
    'bay',
    'TRUE',
    '1',
    'g g g',
    '+/#',
  ],
  ...['00:11:22', 'f'.repeat(64), 'd'.repeat(129), 'x'.repeat(longLine)],
];
const headers = [
  ...['', 'device_id', 'device_id,kind', `${header},admin`, `${header},device_id`, header.toUpperCase(), `"${header}"`],
  ...[
    header.replaceAll(',', ';'),
    `__proto__,${header}`,
    `\ufeff${header}`,
    `${header}\r`,
    ` ${header.replaceAll(',', ' , ')} `,
  ],
];
const jsonLines = [
  ...[
    '',
    '{',
    '[]',
    'null',
    '1',
    '"x"',
    '{"device_id":1}',
    '{"__proto__":{"enabled":true}}',
    '['.repeat(8_000),
    '\ufeff{}',
  ],
  ...[
    '{"device_id":"a","kind":"bay","bound_to":"b","admin":true}',
    '{"device_id":"\\u009b2K","kind":"bay","bound_to":"b"}',
  ],
  ...['{"device_id":"a","kind":"bay","bound_to":"b","enabled":"true"}', `{"device_id":"${'d'.repeat(longLine)}"}`],
  ...[
    '{"device_id":"a\\r\\n{\\"seq\\":1}","kind":"bay","bound_to":"b"}',
    '{"device_id":"a","kind":"constructor","bound_to":"b"}',
  ],
];

/** A device that can be imported; with a secret of its own now and then, which is hashed all the same. */
const row = (deviceId: string, random: Random): string[] => [
  ...[deviceId, 'vehicle', 'veh-victim', random.chance(0.5) ? 's'.repeat(20) : '', 'true', 'g', ''],
];

function csv(deviceId: string, random: Random): string {
  const rows = Array.from({ length: 1 + random.integer(3) }, (_, index) => {
    const right = row(index === 0 ? deviceId : `${deviceId}-${index}`, random);
    if (random.chance(0.4)) return right;
    const spoilt = right.with(random.integer(right.length), pick(random, fields));
    return random.chance(0.2) ? spoilt.slice(random.integer(spoilt.length)) : spoilt;
  });
  const lines = [random.chance(0.2) ? pick(random, headers) : header, ...rows.map((each) => each.join(','))];
  return lines.join(pick(random, ['\n', '\n', '\r\n', '\r', '\n\n']));
}

function lines(deviceId: string, random: Random): string {
  const right = JSON.stringify({
    device_id: deviceId,
    kind: 'vehicle',
    bound_to: 'veh-victim',
    secret: 's'.repeat(20),
  });
  const all = Array.from({ length: random.integer(4) }, () => (random.chance(0.3) ? right : pick(random, jsonLines)));
  // Of what is wrong, only so much is told.
  if (random.chance(0.1)) all.push(...Array.from({ length: 50 }, () => pick(random, jsonLines)));
  return all.join('\n');
}

/** Many devices at once, as CSV or as a JSON object a line: seldom such as could be registered. */
export function importBody(deviceId: string, random: Random): ImportBody {
  const isCsv = random.chance(0.6);
  const text = isCsv ? csv(deviceId, random) : lines(deviceId, random);
  const body = random.chance(0.3) ? mutateBytes(Buffer.from(text), random) : text;
  return { type: isCsv ? 'text/csv' : 'application/x-ndjson', body };
}
