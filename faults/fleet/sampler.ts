import type { FleetPublisher, PublisherCounts } from '../../device-simulator/mqtt/publisher.ts';
import { LatencyHistogram } from '../../device-simulator/report/latency.ts';
import type { FleetSample, FleetSummary } from './protocol.ts';

type Counted = Pick<PublisherCounts, 'sent' | 'acknowledged' | 'rejected' | 'resent' | 'overflowed' | 'disconnects'>;
const nothing: Counted = { sent: 0, acknowledged: 0, rejected: 0, resent: 0, overflowed: 0, disconnects: 0 };
const microsecondsPerSecond = 1_000_000;

/** Reads a fleet's figures off: of each interval, and of the whole run. */
export class Sampler {
  readonly #publisher: FleetPublisher;
  readonly #interval = new LatencyHistogram();
  readonly #run = new LatencyHistogram();
  #before: Counted = nothing;

  constructor(publisher: FleetPublisher) {
    this.#publisher = publisher;
  }

  /** Takes one latency, in milliseconds from the intended send time. */
  latency(latencyMs: number): void {
    this.#interval.record(latencyMs);
    this.#run.record(latencyMs);
  }

  /** The figures since the last call, and begins the next interval. */
  take(): FleetSample {
    const sample = this.#figures(this.#before, this.#interval);
    this.#before = { ...this.#publisher.counts };
    this.#interval.reset();
    return sample;
  }

  /** The figures since the start. */
  summary(): FleetSummary {
    const { p95Ms, p999Ms } = this.#run.summary();
    const { user, system } = process.cpuUsage();
    return {
      ...this.#figures(nothing, this.#run),
      p95Ms: orZero(p95Ms),
      p999Ms: orZero(p999Ms),
      cpuS: (user + system) / microsecondsPerSecond,
      reasons: this.#publisher.reasons,
    };
  }

  #figures(before: Counted, latencies: LatencyHistogram): FleetSample {
    const { counts, inFlight, outstanding, connected } = this.#publisher;
    const { p50Ms, p99Ms, maxMs } = latencies.summary();
    return {
      atMs: Date.now(),
      sent: counts.sent - before.sent,
      acked: counts.acknowledged - before.acknowledged,
      rejected: counts.rejected - before.rejected,
      resent: counts.resent - before.resent,
      overflowed: counts.overflowed - before.overflowed,
      disconnects: counts.disconnects - before.disconnects,
      inFlight,
      outstanding,
      connected,
      p50Ms: orZero(p50Ms),
      p99Ms: orZero(p99Ms),
      maxMs: orZero(maxMs),
    };
  }
}

const orZero = (ms: number): number => (Number.isNaN(ms) ? 0 : ms);
