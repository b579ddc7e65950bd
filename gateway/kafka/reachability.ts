/**
 * Since when no broker has answered. An answer of any kind, also an error, is contact. Times are on the clock of
 * `performance.now()`.
 */
export class Reachability {
  #unreachableSinceMs: number | undefined;
  #lastContactMs = Number.NEGATIVE_INFINITY;

  contact(nowMs: number): void {
    this.#lastContactMs = nowMs;
    this.#unreachableSinceMs = undefined;
  }

  /** An attempt that began at `sinceMs` got no answer. Others may have got theirs meanwhile. */
  failure(sinceMs: number): void {
    this.#unreachableSinceMs ??= Math.max(sinceMs, this.#lastContactMs);
  }

  isReachable(nowMs: number, unreachableAfterMs: number): boolean {
    return this.#unreachableSinceMs === undefined || nowMs - this.#unreachableSinceMs <= unreachableAfterMs;
  }
}
