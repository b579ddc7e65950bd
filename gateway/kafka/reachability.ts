/**
 * Since when no broker has answered. An answer of any kind, also an error, is contact. Times are on the clock of
 * `performance.now()`.
 */
export class Reachability {
  #unreachableSinceMs: number | undefined;

  /** Undefined while brokers answer, or nothing has been asked since they did. */
  get unreachableSinceMs(): number | undefined {
    return this.#unreachableSinceMs;
  }

  contact(): void {
    this.#unreachableSinceMs = undefined;
  }

  /** An attempt that began at `sinceMs` got no answer. */
  failure(sinceMs: number): void {
    this.#unreachableSinceMs ??= sinceMs;
  }

  isReachable(nowMs: number, unreachableAfterMs: number): boolean {
    return this.#unreachableSinceMs === undefined || nowMs - this.#unreachableSinceMs <= unreachableAfterMs;
  }
}
