/**
 * Who is banned, each for the same time, so that those who were banned first are free first. Bounded: where there is no
 * room, the ban that would end next ends at once, which is as little as a flood of bans can gain for anybody.
 */
export class BanList {
  readonly #untilMs = new Map<string, number>();
  readonly #durationMs: number;
  readonly #maxEntries: number;

  constructor(durationMs: number, maxEntries: number) {
    this.#durationMs = durationMs;
    this.#maxEntries = maxEntries;
  }

  /** Bans that have not been swept yet. */
  get size(): number {
    return this.#untilMs.size;
  }

  /** Bans `key`. Returns false, and makes its ban no longer, when it is banned already. */
  add(key: string, nowMs: number): boolean {
    if (this.has(key, nowMs)) return false;
    // Taken out first, so that the order stays that of the ends.
    this.#untilMs.delete(key);
    this.#untilMs.set(key, nowMs + this.#durationMs);
    if (this.#untilMs.size > this.#maxEntries) this.#dropFirst();
    return true;
  }

  has(key: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(key);
    return untilMs !== undefined && nowMs < untilMs;
  }

  /** Forgets the bans that are over. */
  sweep(nowMs: number): void {
    for (const [key, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) return;
      this.#untilMs.delete(key);
    }
  }

  #dropFirst(): void {
    for (const key of this.#untilMs.keys()) {
      this.#untilMs.delete(key);
      return;
    }
  }
}
