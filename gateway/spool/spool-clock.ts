export interface Clocks {
  /** Milliseconds since the epoch; jumps when somebody sets the clock. */
  readonly wallMs: () => number;
  /** Milliseconds that never jump. */
  readonly monotonicMs: () => number;
}

/** Further beyond the allowed age than that, a record's date says more about a clock than about the record. */
const plausibleOverdueMs = 30 * 24 * 3600 * 1000;

/**
 * Says how old records are. The wall clock is asked once, when the spool is opened; from then on this clock runs by itself.
 * One that is set right by years during an outage would otherwise make all that was just spooled too old, and the spool full.
 */
export class SpoolClock {
  readonly #monotonicMs: () => number;
  readonly #offsetMs: number;
  readonly #openedAtMs: number;
  readonly #oldestPlausibleMs: number;

  /** @param maxAgeMs how old records may be before nothing more is taken. */
  constructor({ wallMs, monotonicMs }: Clocks, maxAgeMs: number) {
    this.#monotonicMs = monotonicMs;
    this.#openedAtMs = wallMs();
    this.#offsetMs = this.#openedAtMs - monotonicMs();
    this.#oldestPlausibleMs = maxAgeMs + plausibleOverdueMs;
  }

  /** Milliseconds since the epoch, as the wall clock had it at the start. */
  nowMs(): number {
    return Math.floor(this.#monotonicMs() + this.#offsetMs);
  }

  /** Of a record that this process has spooled. */
  ageMs(spooledAtMs: number): number {
    return Math.max(0, this.nowMs() - spooledAtMs);
  }

  /**
   * Of a record that an earlier process has spooled, by another clock: at least the time since the start; and no more than
   * that when its date is in the future, or implausibly long ago.
   */
  recoveredAgeMs(spooledAtMs: number): number {
    const sinceStartMs = this.nowMs() - this.#openedAtMs;
    const atStartMs = this.#openedAtMs - spooledAtMs;
    const isPlausible = atStartMs >= 0 && atStartMs <= this.#oldestPlausibleMs;
    return sinceStartMs + (isPlausible ? atStartMs : 0);
  }
}
