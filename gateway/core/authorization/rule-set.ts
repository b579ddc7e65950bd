import type { Identity } from '../identity.ts';
import { type AccessAction, type AuthorizationRule, type IdentityKind, identityKinds } from './rule.ts';
import { RulePattern } from './rule-pattern.ts';
import { subscribedFilter } from './subscribed-filter.ts';

/** What was decided, and by which topic of which rule: one that denies, else one of those that allow. */
export interface Decision {
  readonly allowed: boolean;
  /** Undefined: no rule allows it. */
  readonly rule: AuthorizationRule | undefined;
  readonly pattern: RulePattern | undefined;
}

/** A rule whose patterns have been taken apart, each with what it decides. */
interface CompiledRule {
  readonly settings: AuthorizationRule;
  readonly decisions: readonly (Decision & { readonly pattern: RulePattern })[];
}

/** Rules by what they are about; each list is bounded by the rules themselves. */
interface Applicable {
  readonly denies: readonly CompiledRule[];
  readonly allows: readonly CompiledRule[];
}

/** How many combinations of groups are remembered; when they are more, all are forgotten and found out again. */
const maxCombinations = 1000;

const noRule: Decision = Object.freeze({ allowed: false, rule: undefined, pattern: undefined });
const noGroups: readonly string[] = Object.freeze([]);

/** All rules that apply at a time. Never changes: new rules are a new set. */
export class RuleSet {
  readonly #rules: readonly CompiledRule[];
  /** Groups that some rule names; all others of a device make no difference. */
  readonly #groups: ReadonlySet<string>;
  /** By action, kind and those groups of a device that make a difference. */
  readonly #applicable = new Map<string, Applicable>();

  /** @throws {RangeError} when a pattern is none; `ruleProblems` says so in better words. */
  constructor(rules: readonly AuthorizationRule[]) {
    this.#rules = rules.map(compile);
    this.#groups = new Set(rules.flatMap(({ groups }) => groups ?? []));
  }

  /** Allocates nothing where the device is in no group that a rule names. @param action publish, or will. */
  mayPublish(identity: Identity, topic: string, action: Exclude<AccessAction, 'subscribe'>): Decision {
    const { denies, allows } = this.#applicableTo(identity, action);
    return firstMatching(denies, topic, identity) ?? firstMatching(allows, topic, identity) ?? noRule;
  }

  /**
   * A filter is allowed when one pattern covers all topics that it matches, and no rule that denies covers any of them. What
   * only several patterns cover together is denied. A shared subscription is judged by the filter in it.
   */
  maySubscribe(identity: Identity, filter: string): Decision {
    const levels = subscribedFilter(filter);
    if (levels === undefined) return noRule;
    const { denies, allows } = this.#applicableTo(identity, 'subscribe');
    const all = (rules: readonly CompiledRule[]) => rules.flatMap(({ decisions }) => decisions);
    return (
      all(denies).find(({ pattern }) => pattern.meets(levels, identity)) ??
      all(allows).find(({ pattern }) => pattern.covers(levels, identity)) ??
      noRule
    );
  }

  #applicableTo(identity: Identity, action: AccessAction): Applicable {
    const { kind, groups = noGroups } = identity;
    const named =
      groups.length === 0 || this.#groups.size === 0 ? noGroups : groups.filter((group) => this.#groups.has(group));
    const own = named.length > 1 ? named.toSorted() : named;
    const base = keysWithoutGroups[action][kind];
    const key = own.length === 0 ? base : `${base}\0${JSON.stringify(own)}`;
    const before = this.#applicable.get(key);
    if (before !== undefined) return before;
    const applying = this.#rules.filter(({ settings }) => applies(settings, action, kind, own));
    const applicable = {
      denies: applying.filter(({ settings }) => settings.effect === 'deny'),
      allows: applying.filter(({ settings }) => settings.effect === 'allow'),
    };
    if (this.#applicable.size >= maxCombinations) this.#applicable.clear();
    this.#applicable.set(key, applicable);
    return applicable;
  }
}

function firstMatching(rules: readonly CompiledRule[], topic: string, identity: Identity): Decision | undefined {
  for (const { decisions } of rules) {
    for (const decision of decisions) if (decision.pattern.matches(topic, identity)) return decision;
  }
  return undefined;
}

const applies = (
  { actions, kinds, groups }: AuthorizationRule,
  action: AccessAction,
  kind: IdentityKind,
  own: readonly string[],
): boolean =>
  actions.includes(action) &&
  kinds.includes(kind) &&
  (groups === undefined || groups.some((group) => own.includes(group)));

const keysOf = (action: AccessAction): Readonly<Record<IdentityKind, string>> =>
  Object.fromEntries(identityKinds.map((kind) => [kind, `${action}\0${kind}`])) as Record<IdentityKind, string>;

/** Most devices are in no group that a rule names: for these no key is put together. */
const keysWithoutGroups = { publish: keysOf('publish'), subscribe: keysOf('subscribe'), will: keysOf('will') };

function compile(settings: AuthorizationRule): CompiledRule {
  const allowed = settings.effect === 'allow';
  const decisions = settings.topics.map((topic) => {
    const pattern = RulePattern.parse(topic);
    if (typeof pattern === 'string') throw new RangeError(`rule "${settings.name}": topic "${topic}" ${pattern}`);
    return Object.freeze({ allowed, rule: settings, pattern });
  });
  return { settings, decisions };
}
