import { type AccessObserver, type Denial, type DenialReason, denialReasons } from '../core/access.ts';
import type { RulesObserver } from '../core/authorization/observer.ts';
import { type AccessAction, accessActions } from '../core/authorization/rule.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** Every event of authorization: what was denied to whom, and the rules that apply. */
export class AuthorizationEvents implements AccessObserver, RulesObserver {
  readonly #log: Log;
  readonly #denied: Readonly<Record<AccessAction, Tally<DenialReason>>> = {
    publish: new Tally('reason', denialReasons),
    subscribe: new Tally('reason', denialReasons),
    will: new Tally('reason', denialReasons),
  };
  readonly #reloads = new Tally<string>('result', ['taken', 'refused']);
  #rules = 0;
  #subscriptionsEnded = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters(
      'edge_authorization_denied_total',
      'What devices were denied, by what they wanted and why.',
      ['action', 'reason'],
      () => accessActions.flatMap((action) => [...this.#denied[action].samples({ action })]),
    );
    metrics.gauge('edge_authorization_rules', 'Rules of authorization that apply.', () => this.#rules);
    metrics.counters(
      'edge_authorization_reloads_total',
      'New rules of authorization, by whether they were taken.',
      ['result'],
      () => this.#reloads.samples(),
    );
    metrics.counter(
      'edge_authorization_subscriptions_ended_total',
      'Subscriptions taken away because new rules do not allow them.',
      () => this.#subscriptionsEnded,
    );
  }

  denied({ action, reason, identity, topic, rule }: Denial): void {
    this.#denied[action].add(reason);
    const { deviceId, kind, boundTo } = identity;
    const fields = { action, reason, deviceId: clip(deviceId), kind, boundTo: clip(boundTo), topic: clip(topic), rule };
    this.#log.writeLimited('warn', 'authorization_denied', 'a device was denied what it wanted', fields);
  }

  rulesLoaded(cause: string, source: string, rules: number, subscriptionsEnded: number): void {
    this.#rules = rules;
    this.#subscriptionsEnded += subscriptionsEnded;
    if (cause !== 'start') this.#reloads.add('taken');
    const fields = { cause, source, rules, subscriptionsEnded };
    this.#log.write('info', 'authorization_rules_loaded', 'these rules of authorization apply', fields);
  }

  rulesRefused(cause: string, problem: string): void {
    this.#reloads.add('refused');
    const text = 'the new rules of authorization were not taken; those before still apply';
    this.#log.writeLimited('error', 'authorization_rules_refused', text, { cause, problem });
  }
}
