interface Count {
  failures: number;
  readonly endsAtMs: number;
}

/**
 * Failures by key within a window of time that begins with the first of them. Bounded: where there is no room, the oldest
 * window is forgotten; all are equally long, so that is the one that would end next.
 */
export class FailureCounts {
  readonly #counts = new Map<string, Count>();
  readonly #windowMs: number;
  readonly #maxEntries: number;

  constructor(windowMs: number, maxEntries: number) {
    this.#windowMs = windowMs;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Counts one more. Returns how many there are in this window: 1 for the first. */
  add(key: string, nowMs: number): number {
    const count = this.#counts.get(key);
    if (count !== undefined && nowMs < count.endsAtMs) {
      count.failures += 1;
      return count.failures;
    }
    this.#counts.delete(key);
    this.#counts.set(key, { failures: 1, endsAtMs: nowMs + this.#windowMs });
    if (this.#counts.size > this.#maxEntries) this.#dropFirst();
    return 1;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }

  /** Forgets the windows that are over. */
  sweep(nowMs: number): void {
    for (const [key, { endsAtMs }] of this.#counts) {
      if (endsAtMs > nowMs) return;
      this.#counts.delete(key);
    }
  }

  #dropFirst(): void {
    for (const key of this.#counts.keys()) {
      this.#counts.delete(key);
      return;
    }
  }
}
