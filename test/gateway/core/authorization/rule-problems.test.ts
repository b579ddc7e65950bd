import { describe, expect, it } from 'vitest';
import { defaultRules } from '../../../../gateway/core/authorization/default-rules.ts';
import type { AuthorizationRule } from '../../../../gateway/core/authorization/rule.ts';
import { ruleProblems } from '../../../../gateway/core/authorization/rule-problems.ts';
import { defaultCommandTopic, defaultRoutes } from '../../../../gateway/core/default-routes.ts';

const rule = (fields: Partial<AuthorizationRule>): AuthorizationRule => ({
  name: 'r',
  effect: 'allow',
  actions: ['publish'],
  kinds: ['vehicle'],
  topics: ['v1/vehicles/{boundTo}/#'],
  ...fields,
});
const problemsOf = (...rules: AuthorizationRule[]) => ruleProblems(rules, defaultRoutes);

describe('what is wrong with rules', () => {
  it('is nothing with the default ones', () => {
    expect(problemsOf(...defaultRules(defaultRoutes, defaultCommandTopic))).toEqual([]);
  });

  it('is told with its place', () => {
    expect(problemsOf(rule({}), rule({ name: 'b', topics: ['v1/#', 'v1/#/telemetry'] }))).toMatchObject([
      { path: ['rules', 1, 'topics', 1], value: 'v1/#/telemetry', problem: expect.stringMatching(/only be the last/) },
    ]);
  });

  it('is a name that is there twice', () => {
    expect(problemsOf(rule({}), rule({}))).toMatchObject([
      { path: ['rules', 1, 'name'], problem: expect.stringContaining('rules[0]') },
    ]);
  });

  it.each<[string, Partial<AuthorizationRule>, RegExp]>([
    ['a topic that no route has', { topics: ['v2/vehicles/{boundTo}/telemetry'] }, /no route for vehicle has such/],
    ['a topic of another kind’s routes', { topics: ['v1/bays/{boundTo}/events'] }, /no route for vehicle has such/],
    ['too few levels', { topics: ['v1/vehicles/{boundTo}'] }, /no route/],
    ['a denial of a topic that nobody may publish to', { effect: 'deny', topics: ['v1/x'] }, /no route/],
    ['a binding of anonymous clients', { kinds: ['anonymous'] }, /bound to nothing/],
    ['a group of anonymous clients', { kinds: ['anonymous'], groups: ['g'], topics: ['#'] }, /in no group/],
  ])('is %s, which could never apply', (_what, fields, problem) => {
    const [found, ...more] = problemsOf(rule(fields));
    expect(more).toEqual([]);
    expect(found?.problem).toMatch(problem);
  });

  it('is not a topic to subscribe to that no route has', () => {
    expect(problemsOf(rule({ actions: ['subscribe'], topics: ['v1/vehicles/{boundTo}/commands'] }))).toEqual([]);
  });

  it('is more of them than can be judged in time', () => {
    const rules = Array.from({ length: 1001 }, (_, index) => rule({ name: `r${index}` }));
    expect(problemsOf(...rules)).toMatchObject([{ path: ['rules'], value: '1001 rules with 1001 topics' }]);
  });
});
