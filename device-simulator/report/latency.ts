import { build } from 'hdr-histogram-js';

/** Percentiles in milliseconds; NaN while nothing was recorded. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const maxTrackableUs = 6 * 3600 * 1e6;

/** Latencies as an HDR histogram: three significant digits from a microsecond to six hours, in constant memory. */
export class LatencyHistogram {
  readonly #histogram = build({
    bitBucketSize: 32,
    highestTrackableValue: maxTrackableUs,
    numberOfSignificantValueDigits: 3,
  });

  record(latencyMs: number): void {
    this.#histogram.recordValue(Math.min(maxTrackableUs, Math.max(1, Math.round(latencyMs * 1000))));
  }

  /** Forgets what was recorded: a new interval begins. */
  reset(): void {
    this.#histogram.reset();
  }

  summary(): LatencySummary {
    if (this.#histogram.totalCount === 0)
      return { p50Ms: Number.NaN, p95Ms: Number.NaN, p99Ms: Number.NaN, p999Ms: Number.NaN, maxMs: Number.NaN };
    const at = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / 1000;
    return { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), p999Ms: at(99.9), maxMs: this.#histogram.maxValue / 1000 };
  }
}
