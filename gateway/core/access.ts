import type { AccessAction } from './authorization/rule.ts';
import type { Decision, RuleSet } from './authorization/rule-set.ts';
import type { Identity } from './identity.ts';
import type { Rejection } from './outcome.ts';
import { quoted } from './quoted.ts';
import type { RouteMatch, RouteTable } from './route-table.ts';

/** Why something was denied. */
export const denialReasons = [
  /** The topic matches no route. */
  'no_route',
  /** The topic belongs to another vehicle or bay than the device is bound to; no rule can allow that. */
  'not_bound',
  /** A rule denies it. */
  'rule',
  /** No rule allows it. */
  'no_rule',
] as const;
export type DenialReason = (typeof denialReasons)[number];

export interface Denial {
  readonly action: AccessAction;
  readonly reason: DenialReason;
  readonly identity: Identity;
  /** Topic, or topic filter. */
  readonly topic: string;
  /** Name of the rule that denies it; empty for the other reasons. */
  readonly rule: string;
}

/** Told of every denial; devices cause them at will. */
export interface AccessObserver {
  denied(denial: Denial): void;
}

/**
 * What a device may publish, subscribe to and leave as a will (rule 5 of the rules of delivery): what the rules allow, and of
 * that only what belongs to the vehicle or bay that it is bound to.
 */
export class Access {
  #rules: RuleSet;
  #generation = 1;
  readonly #routes: RouteTable;
  readonly #observer: AccessObserver | undefined;

  constructor(routes: RouteTable, rules: RuleSet, observer?: AccessObserver) {
    this.#routes = routes;
    this.#rules = rules;
    this.#observer = observer;
  }

  /** Which rules apply, by number: what was allowed under another one has to be asked again. */
  get generation(): number {
    return this.#generation;
  }

  /** These rules apply from now on, as a whole. */
  use(rules: RuleSet): void {
    this.#rules = rules;
    this.#generation += 1;
  }

  /** Why the device may not leave a will for the topic; undefined when it may. Asked again when the will is published. */
  refusalOfWill(identity: Identity, topic: string): Rejection | undefined {
    return this.refusal(identity, topic, this.#routes.match(topic), 'will');
  }

  /** Why the device may not publish to the topic, whose route is `match`; undefined when it may. */
  refusal(
    identity: Identity,
    topic: string,
    match: RouteMatch | undefined,
    action: 'publish' | 'will',
  ): Rejection | undefined {
    if (match === undefined) {
      this.#deny(identity, topic, action, 'no_route');
      return noRoute;
    }
    const foreign = notBound(identity, match);
    if (foreign !== undefined) {
      this.#deny(identity, topic, action, 'not_bound');
      return foreign;
    }
    const decision = this.#rules.mayPublish(identity, topic, action);
    if (decision.allowed) return undefined;
    this.#denyBy(decision, identity, topic, action);
    return notAllowed;
  }

  maySubscribe(identity: Identity, filter: string): boolean {
    const decision = this.#rules.maySubscribe(identity, filter);
    if (!decision.allowed) this.#denyBy(decision, identity, filter, 'subscribe');
    return decision.allowed;
  }

  /** For a subscription that was granted under earlier rules. */
  mayStaySubscribed(identity: Identity, filter: string): boolean {
    return this.#rules.maySubscribe(identity, filter).allowed;
  }

  #denyBy({ rule }: Decision, identity: Identity, topic: string, action: AccessAction): void {
    this.#deny(identity, topic, action, rule === undefined ? 'no_rule' : 'rule', rule?.name);
  }

  #deny(identity: Identity, topic: string, action: AccessAction, reason: DenialReason, rule = ''): void {
    this.#observer?.denied({ action, reason, identity, topic, rule });
  }
}

const noRoute: Rejection = Object.freeze({ reason: 'no_route', detail: 'the topic matches no route' });

/** Which rule it was is for the operator only. */
const notAllowed: Rejection = Object.freeze({
  reason: 'not_authorized',
  detail: 'the rules of authorization do not allow the device to publish to this topic',
});

/** Why the matched topic is none of what the device is bound to; undefined when it is. */
export function notBound(identity: Identity, match: RouteMatch): Rejection | undefined {
  if (identity.kind === 'anonymous') return undefined;
  const { settings, subjectLevel } = match.route;
  if (identity.kind === settings.deviceKind && identity.boundTo === match.levels[subjectLevel]) return undefined;
  return {
    reason: 'not_authorized',
    detail: `the device is bound to ${identity.kind} ${quoted(identity.boundTo)}, the topic belongs to ${settings.deviceKind} ${quoted(match.levels[subjectLevel])}`,
  };
}
