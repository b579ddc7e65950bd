import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Label values by which a figure is told apart, with the figure. */
export type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number];

/**
 * Exports plain numbers. The events only add to them; Prometheus's own counters would look up labels for each message.
 * They are read when somebody asks for `/metrics`.
 */
export class Metrics {
  readonly registry = new Registry();

  /** A figure that only grows. */
  counter(name: string, help: string, read: () => number): void {
    this.counters(name, help, [], () => [[{}, read()]]);
  }

  /** Figures that only grow, one for each combination of labels; the set of combinations must be bounded. */
  counters(name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc({ ...labels }, value);
      },
    });
  }

  gauge(name: string, help: string, read: () => number): void {
    this.gauges(name, help, [], () => [[{}, read()]]);
  }

  /** Figures that rise and fall, one for each combination of labels; the set of combinations must be bounded. */
  gauges(name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set({ ...labels }, value);
      },
    });
  }

  /** Durations in seconds. */
  durations(name: string, help: string, durations: Durations): void {
    this.registry.registerMetric(new DurationHistogram(name, help, durations));
  }
}

/** Upper bounds of the buckets, milliseconds; dense around what the gateway is held to (p99 ≤ 100 ms). */
const boundsMs = [1, 2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];

/** Counts durations by bucket: an array increment each. */
export class Durations {
  /** Per bucket; the last one takes what is above every bound. */
  readonly counts = [...boundsMs, Number.POSITIVE_INFINITY].map(() => 0);
  sumMs = 0;

  add(durationMs: number): void {
    let bucket = 0;
    while (bucket < boundsMs.length && durationMs > (boundsMs[bucket] as number)) bucket += 1;
    (this.counts[bucket] as number) += 1;
    // The clock of the day may step back.
    if (durationMs > 0) this.sumMs += durationMs;
  }
}

/** A histogram of Prometheus over counts that are kept elsewhere. */
class DurationHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #durations: Durations;

  constructor(name: string, help: string, durations: Durations) {
    super({ name, help, buckets: boundsMs.map((ms) => ms / 1000), registers: [] });
    this.#name = name;
    this.#help = help;
    this.#durations = durations;
  }

  /** What the registry asks each metric for; `get` of the base class calls it as well. */
  async getForPromString() {
    const name = this.#name;
    const { counts, sumMs } = this.#durations;
    let cumulated = 0;
    const buckets = counts.map((count, index) => {
      cumulated += count;
      const bound = boundsMs[index];
      const labels = { le: bound === undefined ? '+Inf' : String(bound / 1000) };
      return { metricName: `${name}_bucket`, labels, value: cumulated };
    });
    const totals = [
      { metricName: `${name}_sum`, labels: {}, value: sumMs / 1000 },
      { metricName: `${name}_count`, labels: {}, value: cumulated },
    ];
    return { name, help: this.#help, type: 'histogram', values: [...buckets, ...totals], aggregator: 'sum' };
  }
}
