import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RulePattern } from '../../../../gateway/core/authorization/rule-pattern.ts';
import type { Identity } from '../../../../gateway/core/identity.ts';
import { bay, vehicle } from '../fixture.ts';
import { allTopics, filled, filterMatches } from './reference.ts';

const parsed = (text: string): RulePattern => {
  const pattern = RulePattern.parse(text);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
};
const covers = (pattern: string, filter: string, identity: Identity = vehicle) =>
  parsed(pattern).covers(filter.split('/'), identity);
const meets = (pattern: string, filter: string, identity: Identity = vehicle) =>
  parsed(pattern).meets(filter.split('/'), identity);

/** Levels of filters, with or without placeholders; `#` may be the last one. */
const filterOf = (...levels: string[]) =>
  fc
    .record({
      levels: fc.array(fc.constantFrom('', 'a', 'b', '$x', '+', ...levels), { minLength: 0, maxLength: 3 }),
      isOpen: fc.boolean(),
    })
    .map(({ levels: chosen, isOpen }) => [...chosen.slice(0, isOpen ? 2 : 3), ...(isOpen ? ['#'] : [])].join('/'))
    .filter((text) => text !== '');
const pattern = filterOf('{boundTo}', '{deviceId}');
const identity = fc
  .record({
    deviceId: fc.constantFrom('a', 'z', '$x'),
    boundTo: fc.constantFrom('a', 'b', '', '+', '#', 'a/b', '$x'),
  })
  .map((ids): Identity => ({ ...ids, kind: 'anonymous' }));
const runs = { numRuns: 2000 };

describe('a pattern of a rule, compared with every topic of a small world', () => {
  it('matches what the standard says, for what the identity says', () => {
    fc.assert(
      fc.property(pattern, identity, (text, device) => {
        const filter = filled(text, device);
        for (const topic of allTopics) {
          const expected = filter !== undefined && filterMatches(filter, topic);
          expect(parsed(text).matches(topic, device), `${text} ${topic}`).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('covers a filter exactly when it matches all topics that the filter matches', () => {
    fc.assert(
      fc.property(pattern, filterOf(), identity, (text, filter, device) => {
        const own = filled(text, device);
        const expected =
          own !== undefined && allTopics.every((topic) => !filterMatches(filter, topic) || filterMatches(own, topic));
        expect(covers(text, filter, device), `${text} over ${filter}`).toBe(expected);
      }),
      runs,
    );
  });

  it('meets a filter exactly when both match some topic', () => {
    fc.assert(
      fc.property(pattern, filterOf(), identity, (text, filter, device) => {
        const own = filled(text, device);
        const expected =
          own !== undefined && allTopics.some((topic) => filterMatches(filter, topic) && filterMatches(own, topic));
        expect(meets(text, filter, device), `${text} and ${filter}`).toBe(expected);
      }),
      runs,
    );
  });
});

describe('a pattern of a rule', () => {
  it('does not cover what only looks alike', () => {
    expect(covers('v1/vehicles/{boundTo}/#', 'v1/vehicles/veh-7/commands')).toBe(true);
    expect(covers('v1/vehicles/{boundTo}/#', 'v1/vehicles/veh-7/+/ack')).toBe(true);
    for (const filter of ['v1/vehicles/+/commands', 'v1/vehicles/#', 'v1/#', '#', 'v1/vehicles/veh-70/commands']) {
      expect(covers('v1/vehicles/{boundTo}/#', filter), filter).toBe(false);
    }
  });

  it('has nothing of the server’s own topics behind a wildcard', () => {
    expect(covers('#', '$SYS/broker/version')).toBe(false);
    expect(covers('+/broker/version', '$SYS/broker/version')).toBe(false);
    expect(parsed('#').matches('$SYS/broker/version', vehicle)).toBe(false);
    expect(covers('$SYS/#', '$SYS/broker/version')).toBe(true);
    expect(meets('$SYS/#', '#')).toBe(false);
  });

  it('takes an id for what it is, and never for a wildcard or for several levels', () => {
    for (const boundTo of ['+', '#', 'a/b', '']) {
      const device = { ...vehicle, boundTo };
      expect(covers('x/{boundTo}/y', `x/${boundTo}/y`, device), boundTo).toBe(false);
      expect(parsed('x/{boundTo}/y').matches(`x/${boundTo}/y`, device), boundTo).toBe(false);
    }
  });

  it('knows the id, the binding and the kind of a device', () => {
    expect(parsed('{kind}/{boundTo}/{deviceId}').matches('bay/bay-3/sensor-3', bay)).toBe(true);
    expect(parsed('{kind}/{boundTo}/{deviceId}').matches('vehicle/bay-3/sensor-3', bay)).toBe(false);
  });

  it.each([
    ['', /is empty/],
    ['a/#/b', /# stands before other levels/],
    ['a/b#', /wildcard in it/],
    ['a+/b', /wildcard in it/],
    ['a/{vehicleId}/b', /no placeholder; known are \{deviceId\}, \{boundTo\}, \{kind\}/],
    ['a/{clientId}', /no placeholder/],
    ['a/{}', /no placeholder/],
    ['a/v-{boundTo}', /a brace in it; a placeholder is a whole level/],
    ['a/{boundTo', /a brace in it/],
    ['a\0b', /NUL/],
    ['$share/g/a', /shared subscription/],
  ])('is not %j', (text, problem) => {
    expect(RulePattern.parse(text)).toMatch(problem);
  });

  it('is not longer than any topic', () => {
    expect(RulePattern.parse('a'.repeat(65_536))).toMatch(/longer than 65535/);
    expect(RulePattern.parse('a'.repeat(65_535))).toBeInstanceOf(RulePattern);
  });
});
