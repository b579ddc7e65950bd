import { type DenialReason, notBound } from '../core/access.ts';
import type { AccessAction, AuthorizationRule } from '../core/authorization/rule.ts';
import { RuleSet } from '../core/authorization/rule-set.ts';
import { subscribedFilter } from '../core/authorization/subscribed-filter.ts';
import type { Identity } from '../core/identity.ts';
import type { RouteSettings } from '../core/route.ts';
import { RouteTable } from '../core/route-table.ts';

export interface Question {
  readonly action: AccessAction;
  /** Topic, or topic filter. */
  readonly topic: string;
  readonly identity: Identity;
}

/** What a gateway with these rules and routes would decide, and by what. */
export interface Explanation {
  readonly allowed: boolean;
  readonly reason: 'rule' | DenialReason | 'not_offered';
  /** Name of the rule that decides, and the topic of it that fits; undefined where no rule decides. */
  readonly rule: string | undefined;
  readonly ruleTopic: string | undefined;
  /** One line for people. */
  readonly text: string;
}

/** Says what would be decided, in the order in which the gateway decides it. */
export function explain(
  question: Question,
  rules: readonly AuthorizationRule[],
  routes: readonly RouteSettings[],
): Explanation {
  const refusal = question.action === 'subscribe' ? notOffered(question.topic) : outsideRules(question, routes);
  return refusal ?? byRules(question, new RuleSet(rules));
}

/** What the gateway refuses to everybody, see docs/mqtt.md. */
function notOffered(filter: string): Explanation | undefined {
  if (subscribedFilter(filter) === undefined) return withoutRule('not_offered', 'it is no topic filter');
  if (filter.startsWith('$share/')) return withoutRule('not_offered', 'shared subscriptions are not offered');
  if (/[+#]/.test(filter)) return withoutRule('not_offered', 'subscriptions with wildcards are not offered');
  return undefined;
}

/** What no rule can give. */
function outsideRules({ topic, identity }: Question, routes: readonly RouteSettings[]): Explanation | undefined {
  const match = new RouteTable(routes).match(topic);
  if (match === undefined) return withoutRule('no_route', 'the topic matches no route');
  const foreign = notBound(identity, match);
  return foreign && withoutRule('not_bound', foreign.detail);
}

function byRules({ action, topic, identity }: Question, rules: RuleSet): Explanation {
  const decision =
    action === 'subscribe' ? rules.maySubscribe(identity, topic) : rules.mayPublish(identity, topic, action);
  const { allowed, rule, pattern } = decision;
  if (rule === undefined) return withoutRule('no_rule', 'no rule allows it');
  const verb = allowed ? 'allows' : 'denies';
  const text = `${allowed ? 'allowed' : 'denied'}: the rule "${rule.name}" ${verb} it by ${pattern?.text}`;
  return { allowed, reason: 'rule', rule: rule.name, ruleTopic: pattern?.text, text };
}

const withoutRule = (reason: Explanation['reason'], why: string): Explanation => ({
  allowed: false,
  reason,
  rule: undefined,
  ruleTopic: undefined,
  text: `denied: ${why}`,
});
