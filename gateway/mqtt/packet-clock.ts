/**
 * When a connection was heard of last, in coarse monotonic milliseconds: the base of its keep-alive and deadlines. Stands
 * still while the gateway itself does not read the connection (design: rule 8 of delivery).
 */
export class PacketClock {
  keepAliveMs = 0;
  #lastMs: number;
  #pausedAtMs = -1;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  get isPaused(): boolean {
    return this.#pausedAtMs >= 0;
  }

  /** A complete control packet has arrived, or the next phase of the connection begins. */
  stamp(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  pause(nowMs: number): void {
    this.#pausedAtMs = nowMs;
  }

  /** @param graceMs what has arrived during the pause gets at least this long to be read. */
  resume(nowMs: number, graceMs: number): void {
    const shifted = this.#lastMs + (nowMs - this.#pausedAtMs);
    this.#lastMs = this.keepAliveMs > 0 ? Math.max(shifted, nowMs - this.keepAliveMs + graceMs) : shifted;
    this.#pausedAtMs = -1;
  }

  /** Whether more than `limitMs` have passed, not counting pauses. */
  isOver(limitMs: number, nowMs: number): boolean {
    return this.#pausedAtMs < 0 && nowMs - this.#lastMs > limitMs;
  }

  /**
   * Whether the peer has been silent for more than one and a half times its keep-alive [MQTT-3.1.2-22].
   *
   * @param slackMs how far the coarse time may have been behind at the last stamp: never be early.
   */
  isSilent(nowMs: number, slackMs: number): boolean {
    return this.keepAliveMs > 0 && this.isOver(this.keepAliveMs + slackMs, nowMs);
  }
}
