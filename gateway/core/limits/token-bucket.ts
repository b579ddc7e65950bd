/** What a bucket gives: so many tokens a second, and at most so many at once. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Admits at a rate, with bursts. The rate is handed in with each call, so that thousands of buckets are two numbers each;
 * and so is the time, in milliseconds that never jump.
 */
export class TokenBucket {
  #level: number;
  #atMs: number;

  /** Full at first: who was never seen before has its burst. */
  constructor({ burst }: BucketRate, nowMs: number) {
    this.#level = burst;
    this.#atMs = nowMs;
  }

  /**
   * Takes `cost` tokens if they are there.
   *
   * @param reserve tokens that are kept for others, and must be left.
   */
  take(rate: BucketRate, cost: number, nowMs: number, reserve = 0): boolean {
    this.#refill(rate, nowMs);
    if (this.#level < cost + reserve) return false;
    this.#level -= cost;
    return true;
  }

  /** What was taken turned out not to be needed. */
  giveBack({ burst }: BucketRate, cost: number): void {
    this.#level = Math.min(burst, this.#level + cost);
  }

  /** Milliseconds until `cost` tokens are there, if nobody takes any in between. */
  waitMs(rate: BucketRate, cost: number, nowMs: number): number {
    this.#refill(rate, nowMs);
    return this.#level >= cost ? 0 : ((cost - this.#level) / rate.perSecond) * 1000;
  }

  #refill({ perSecond, burst }: BucketRate, nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#level = Math.min(burst, this.#level + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
  }
}
