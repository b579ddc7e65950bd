/** How much may come. 0: no limit. */
export interface RateLimits {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** How many seconds' worth may come at once. */
  readonly burstSeconds: number;
  /** From this multiple of the rate on it is abuse; 0: never. */
  readonly hardMultiple: number;
}

/** So many times in succession what was allowed must be used up that fast: a backlog after an outage is no abuse. */
const mostStrikes = 10;

const limitless = (limit: number): number => (limit === 0 ? Number.POSITIVE_INFINITY : limit);

export const isLimited = ({ messagesPerSecond, bytesPerSecond }: RateLimits): boolean =>
  messagesPerSecond > 0 || bytesPerSecond > 0;

/**
 * Messages and bytes of one device, or of all of them. Taking costs two subtractions and no clock: what has come is
 * counted, if need be below zero, and whoever reads stops reading until `refill` says that there is enough again.
 */
export class MessageRate {
  readonly #messagesPerSecond: number;
  readonly #bytesPerSecond: number;
  readonly #burstSeconds: number;
  readonly #hardMultiple: number;
  #messages: number;
  #bytes: number;
  #refilledAtMs: number;
  /** When it was last used up, and enough was there again after that; and how long that had taken. */
  #spentAtMs = -1;
  #grantedAtMs: number;
  #grantTookMs = 0;
  #strikes = 0;

  constructor(limits: RateLimits, nowMs: number) {
    this.#messagesPerSecond = limitless(limits.messagesPerSecond);
    this.#bytesPerSecond = limitless(limits.bytesPerSecond);
    this.#burstSeconds = limits.burstSeconds;
    this.#hardMultiple = limits.hardMultiple;
    this.#messages = this.#messagesPerSecond * this.#burstSeconds;
    this.#bytes = this.#bytesPerSecond * this.#burstSeconds;
    this.#refilledAtMs = nowMs;
    this.#grantedAtMs = nowMs;
  }

  /** Counts a message. */
  take(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
  }

  /** Nothing more may come before `refill` has said so. */
  get isSpent(): boolean {
    return this.#messages < 0 || this.#bytes < 0;
  }

  /** Whether it was used up many times the allowed rate, over and over. */
  get isAbused(): boolean {
    return this.#strikes >= mostStrikes;
  }

  /** Adds what the time since the last call allows. Returns whether something may come now. */
  refill(nowMs: number): boolean {
    const seconds = (nowMs - this.#refilledAtMs) / 1000;
    if (seconds > 0) {
      this.#refilledAtMs = nowMs;
      this.#messages = Math.min(
        this.#messagesPerSecond * this.#burstSeconds,
        this.#messages + this.#messagesPerSecond * seconds,
      );
      this.#bytes = Math.min(this.#bytesPerSecond * this.#burstSeconds, this.#bytes + this.#bytesPerSecond * seconds);
    }
    return !this.isSpent;
  }

  /** Adds the same. Returns whether so many seconds' worth may come now, or as much as may come at once. */
  refillTo(seconds: number, nowMs: number): boolean {
    this.refill(nowMs);
    const share = Math.min(seconds, this.#burstSeconds);
    return this.#messages >= this.#messagesPerSecond * share && this.#bytes >= this.#bytesPerSecond * share;
  }

  /** It is used up, and reading has stopped: looks how fast that went. */
  stopped(nowMs: number): void {
    if (this.#spentAtMs >= 0) return;
    this.#spentAtMs = nowMs;
    const usedMs = nowMs - this.#grantedAtMs;
    const isTooFast = this.#hardMultiple > 0 && usedMs * this.#hardMultiple < this.#grantTookMs;
    this.#strikes = isTooFast ? this.#strikes + 1 : 0;
  }

  /** Reading goes on. */
  resumed(nowMs: number): void {
    if (this.#spentAtMs < 0) return;
    this.#grantTookMs = nowMs - this.#spentAtMs;
    this.#grantedAtMs = nowMs;
    this.#spentAtMs = -1;
  }

  /** The connection that had stopped has ended: who comes next is judged anew, within the same rate. */
  abandoned(): void {
    this.#spentAtMs = -1;
    this.#grantTookMs = 0;
    this.#strikes = 0;
  }
}
