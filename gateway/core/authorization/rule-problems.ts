import type { RouteSettings } from '../route.ts';
import type { AuthorizationRule } from './rule.ts';
import { RulePattern } from './rule-pattern.ts';

/** What is wrong with a rule, and where: `['rules', 2, 'topics', 0]`. */
export interface RuleProblem {
  readonly path: readonly (string | number)[];
  readonly value: string;
  /** In words, to be put behind the value. */
  readonly problem: string;
}

/** More would make a publish on a new topic, and a reload under many sessions, take noticeably long. */
export const maxRules = 1000;
export const maxTopics = 10_000;

/**
 * What no rule may be, beyond its shape: no pattern, one that could never apply, a name that another one has. A rule that
 * never applies is refused because it would be believed to protect something.
 */
export function ruleProblems(rules: readonly AuthorizationRule[], routes: readonly RouteSettings[]): RuleProblem[] {
  const topics = rules.reduce((sum, rule) => sum + rule.topics.length, 0);
  if (rules.length > maxRules || topics > maxTopics) {
    const value = `${rules.length} rules with ${topics} topics`;
    return [{ path: ['rules'], value, problem: `are too many; at most ${maxRules} with ${maxTopics} are taken` }];
  }
  return rules.flatMap((rule, index) => [...ofName(rule, index, rules), ...ofTopics(rule, index, routes)]);
}

function ofName({ name }: AuthorizationRule, index: number, rules: readonly AuthorizationRule[]): RuleProblem[] {
  const first = rules.findIndex((other) => other.name === name);
  if (first === index) return [];
  return [{ path: ['rules', index, 'name'], value: name, problem: `is the name of rules[${first}], too` }];
}

function ofTopics(rule: AuthorizationRule, index: number, routes: readonly RouteSettings[]): RuleProblem[] {
  return rule.topics.flatMap((topic, at) => {
    const pattern = RulePattern.parse(topic);
    const problem = typeof pattern === 'string' ? pattern : neverApplies(pattern, rule, routes);
    return problem === undefined ? [] : [{ path: ['rules', index, 'topics', at], value: topic, problem }];
  });
}

function neverApplies(pattern: RulePattern, rule: AuthorizationRule, routes: readonly RouteSettings[]) {
  const { kinds, groups, actions } = rule;
  const isAnonymous = kinds.every((kind) => kind === 'anonymous');
  if (isAnonymous && pattern.mentions('boundTo')) {
    return 'could never apply: an anonymous client is bound to nothing, so {boundTo} fits nowhere';
  }
  if (isAnonymous && groups !== undefined) return 'could never apply: an anonymous client is in no group';
  if (actions.includes('subscribe')) return undefined;
  const used = routes.filter(({ deviceKind }) => kinds.includes(deviceKind) || kinds.includes('anonymous'));
  if (used.some((route) => pattern.couldMeet(filterOf(route)))) return undefined;
  return `could never apply: no route for ${kinds.join(' or ')} has such a topic`;
}

const filterOf = ({ pattern }: RouteSettings): readonly string[] =>
  pattern.split('/').map((level) => (level.startsWith('{') ? '+' : level));
