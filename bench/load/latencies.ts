import { build } from 'hdr-histogram-js';

/** Milliseconds; `max` is exact to three digits as the percentiles are. */
export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const longestUs = 120_000_000;
const microsecondsPerMillisecond = 1000;

/** Histogram of latencies, three significant digits from 1 µs to 2 minutes; nothing is sampled or dropped. */
export class Latencies {
  readonly #histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestUs,
    numberOfSignificantValueDigits: 3,
  });

  record(milliseconds: number): void {
    const microseconds = Math.round(milliseconds * microsecondsPerMillisecond);
    this.#histogram.recordValue(Math.min(Math.max(microseconds, 1), longestUs));
  }

  percentiles(): Percentiles {
    const at = (percentile: number): number =>
      this.#histogram.getValueAtPercentile(percentile) / microsecondsPerMillisecond;
    return { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), p999Ms: at(99.9), maxMs: at(100) };
  }

  reset(): void {
    this.#histogram.reset();
  }
}
