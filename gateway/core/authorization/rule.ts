import type { Identity } from '../identity.ts';

/** What a rule can be about. A will is judged as such when it is left, at CONNECT, and again when it is published. */
export const accessActions = ['publish', 'subscribe', 'will'] as const;
export type AccessAction = (typeof accessActions)[number];

export const ruleEffects = ['allow', 'deny'] as const;
export type RuleEffect = (typeof ruleEffects)[number];

export const identityKinds = ['vehicle', 'bay', 'anonymous'] as const satisfies readonly Identity['kind'][];
export type IdentityKind = Identity['kind'];

/**
 * One rule as configured. It applies to a device of one of `kinds` that is in one of `groups`, if any are named, and to the
 * topics of `topics`. What no rule allows is denied; what some rule denies is denied whatever others allow: the order of
 * rules means nothing.
 */
export interface AuthorizationRule {
  /** For logs and explanations. */
  readonly name: string;
  readonly effect: RuleEffect;
  readonly actions: readonly AccessAction[];
  readonly kinds: readonly IdentityKind[];
  /** Left out: whatever groups the device is in. */
  readonly groups?: readonly string[];
  /** Topic filters with placeholders, see `RulePattern`. */
  readonly topics: readonly string[];
}
