import { setTimeout as delay } from 'node:timers/promises';

/** Longest time for which what was not used may be caught up with. */
const burstSeconds = 0.1;

/** Lets through so many a second, evenly. */
export class Pacer {
  readonly #perSecond: number;
  #tokens = 1;
  #filledAtMs = performance.now();

  /** @param perSecond `Infinity`: as fast as it goes. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one without waiting; false: it is not due yet, and `due` says when. */
  take(): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    const nowMs = performance.now();
    const most = Math.max(1, this.#perSecond * burstSeconds);
    this.#tokens = Math.min(most, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Resolves when the next one is due. */
  async due(): Promise<void> {
    await delay(Math.max(1, ((1 - this.#tokens) / this.#perSecond) * 1000));
  }
}
