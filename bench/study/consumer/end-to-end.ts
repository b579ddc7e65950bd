import { Latencies } from '../../load/latencies.ts';
import type { ConsumerFigures } from '../measured.ts';

/**
 * Latency from the time at which a publish was due, which its record carries as its timestamp, until the consumer has it.
 * Timestamps are whole milliseconds, rounded down: a latency is up to one millisecond too long, never too short.
 */
export class EndToEnd {
  readonly #latencies = new Latencies();
  readonly #waiting: { readonly arrived: number; readonly resolve: () => void }[] = [];
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.POSITIVE_INFINITY;
  #recorded = 0;
  #arrivedBefore = 0;
  #cpuBefore = process.cpuUsage();
  /** Records since the consumer began. */
  arrived = 0;

  /** Latencies of records with timestamps in [fromMs, toMs) are recorded from now on; earlier ones are forgotten. */
  expect(fromMs: number, toMs: number): void {
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#latencies.reset();
    this.#recorded = 0;
    this.#arrivedBefore = this.arrived;
    this.#cpuBefore = process.cpuUsage();
  }

  /** @param timestampMs of the record. @param nowMs on the same clock. */
  record(timestampMs: number, nowMs: number): void {
    this.arrived += 1;
    if (timestampMs >= this.#fromMs && timestampMs < this.#toMs) {
      this.#recorded += 1;
      this.#latencies.record(nowMs - timestampMs);
    }
    const [first] = this.#waiting;
    if (first !== undefined && this.arrived >= first.arrived) this.#waiting.shift()?.resolve();
  }

  /** Resolves once so many records have arrived since the consumer began, or the time is over. */
  async untilArrived(arrived: number, deadlineMs: number): Promise<void> {
    if (this.arrived >= arrived) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ arrived, resolve });
    const timer = setTimeout(resolve, deadlineMs);
    await promise;
    clearTimeout(timer);
  }

  figures(): ConsumerFigures {
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return {
      latency: this.#latencies.percentiles(),
      records: this.#recorded,
      cpuUsPerRecord: (user + system) / Math.max(1, this.arrived - this.#arrivedBefore),
    };
  }
}
