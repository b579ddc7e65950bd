/** Told of rules that come into force, or do not. */
export interface RulesObserver {
  /** @param source the file of rules; `settings`, or `default`. */
  rulesLoaded(cause: string, source: string, rules: number, subscriptionsEnded: number): void;
  rulesRefused(cause: string, problem: string): void;
}
