import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthorizationRule } from '../../../../gateway/core/authorization/rule.ts';
import { RuleSet } from '../../../../gateway/core/authorization/rule-set.ts';
import { anonymous, bay, vehicle } from '../fixture.ts';
import { allTopics, filterMatches } from './reference.ts';

const rule = (fields: Partial<AuthorizationRule> = {}): AuthorizationRule => ({
  name: 'r',
  effect: 'allow',
  actions: ['publish', 'subscribe'],
  kinds: ['vehicle'],
  topics: ['a/#'],
  ...fields,
});
const grouped = (...groups: string[]) => ({ ...vehicle, groups });

describe('rules', () => {
  it('deny what none of them allows', () => {
    const rules = new RuleSet([rule()]);
    expect(rules.mayPublish(vehicle, 'a/b', 'publish')).toMatchObject({ allowed: true, rule: { name: 'r' } });
    expect(rules.mayPublish(vehicle, 'b', 'publish')).toEqual({ allowed: false, rule: undefined, pattern: undefined });
    expect(rules.mayPublish(vehicle, 'a/b', 'will').allowed).toBe(false);
    expect(rules.mayPublish(bay, 'a/b', 'publish').allowed).toBe(false);
    expect(rules.mayPublish(anonymous, 'a/b', 'publish').allowed).toBe(false);
  });

  it.each([
    ['behind', [rule(), rule({ name: 'no', effect: 'deny', topics: ['a/b'] })]],
    ['before', [rule({ name: 'no', effect: 'deny', topics: ['a/b'] }), rule()]],
  ])('deny what one denies, standing %s those that allow', (_where, rules) => {
    const set = new RuleSet(rules);
    expect(set.mayPublish(vehicle, 'a/b', 'publish')).toMatchObject({ allowed: false, rule: { name: 'no' } });
    expect(set.mayPublish(vehicle, 'a/c', 'publish').allowed).toBe(true);
    expect(set.maySubscribe(vehicle, 'a/b').allowed).toBe(false);
    expect(set.maySubscribe(vehicle, 'a/+'), 'a part of it is denied').toMatchObject({ rule: { name: 'no' } });
    expect(set.maySubscribe(vehicle, 'a/c/#').allowed).toBe(true);
  });

  it('apply to the devices of their groups', () => {
    const rules = new RuleSet([
      rule({ groups: ['pilot', 'test'] }),
      rule({ name: 'no', effect: 'deny', groups: ['stolen'] }),
    ]);
    const may = (...groups: string[]) => rules.mayPublish(grouped(...groups), 'a', 'publish').allowed;
    expect(may()).toBe(false);
    expect(may('other')).toBe(false);
    expect(may('test')).toBe(true);
    expect(may('other', 'pilot')).toBe(true);
    expect(may('pilot', 'stolen')).toBe(false);
    expect(may('stolen', 'pilot')).toBe(false);
    expect(rules.mayPublish(vehicle, 'a', 'publish').allowed).toBe(false);
  });

  it('do not mix up groups with each other, nor with kinds', () => {
    const rules = new RuleSet([
      rule({ groups: ['x","y'] }),
      rule({ name: 'n', kinds: ['bay'], groups: ['x'] }),
      rule({ name: 'o', kinds: ['bay'], groups: ['y'] }),
    ]);
    expect(rules.mayPublish(grouped('x","y'), 'a', 'publish').allowed).toBe(true);
    expect(rules.mayPublish(grouped('x', 'y'), 'a', 'publish').allowed).toBe(false);
    expect(rules.mayPublish(grouped('x'), 'a', 'publish').allowed).toBe(false);
    expect(rules.mayPublish({ ...bay, groups: ['x'] }, 'a', 'publish').allowed).toBe(true);
  });

  it('hold for more combinations of groups than are remembered', () => {
    const names = Array.from({ length: 1500 }, (_, index) => `g${index}`);
    const rules = new RuleSet(names.map((name) => rule({ name, groups: [name], topics: [`a/${name}`] })));
    for (let round = 0; round < 2; round++) {
      for (const name of names) {
        expect(rules.mayPublish(grouped(name), `a/${name}`, 'publish').allowed).toBe(true);
        expect(rules.mayPublish(grouped(name), 'a/other', 'publish').allowed).toBe(false);
      }
    }
  });

  it('judge a shared subscription by the filter in it', () => {
    const rules = new RuleSet([rule({ topics: ['a/{boundTo}'] })]);
    expect(rules.maySubscribe(vehicle, '$share/g/a/veh-7').allowed).toBe(true);
    for (const filter of [
      '$share/g/a/veh-8',
      '$share/g/a/+',
      '$share/g/#',
      '$share/+/a/veh-7',
      '$share//a/veh-7',
      '$share/g',
      '$share/g/',
      '$share',
      '$share/a/veh-7',
    ]) {
      expect(rules.maySubscribe(vehicle, filter).allowed, filter).toBe(false);
    }
  });

  it('deny malformed filters, whatever they allow', () => {
    const rules = new RuleSet([rule({ topics: ['#'] })]);
    expect(rules.maySubscribe(vehicle, '#').allowed).toBe(true);
    for (const filter of ['', 'a+', 'a/#/b', 'a#', '#/a', '$SYS/a']) {
      expect(rules.maySubscribe(vehicle, filter).allowed, filter).toBe(false);
    }
  });

  it('allow no filter that matches a topic which they deny, in every small world', () => {
    const level = fc.constantFrom('', 'a', 'b', '$x', '+');
    const filter = fc
      .record({ levels: fc.array(level, { maxLength: 2 }), end: fc.constantFrom('#', 'a', '+') })
      .map(({ levels, end }) => [...levels, end].join('/'));
    const someRule = fc
      .record({
        effect: fc.constantFrom('allow' as const, 'deny' as const),
        topics: fc.array(filter, { minLength: 1, maxLength: 3 }),
      })
      .map((fields) => rule(fields));
    fc.assert(
      fc.property(fc.array(someRule, { minLength: 1, maxLength: 5 }), filter, (rules, wanted) => {
        const set = new RuleSet(rules);
        if (!set.maySubscribe(vehicle, wanted).allowed) return;
        for (const topic of allTopics.filter((each) => filterMatches(wanted, each))) {
          expect(set.mayPublish(vehicle, topic, 'publish').allowed, `${wanted} ${topic}`).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
