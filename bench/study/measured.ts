import type { LoadResult } from '../load/generator.ts';
import type { Percentiles } from '../load/latencies.ts';
import { type Figures, figuresOf } from '../report/figures.ts';

/** What a consumer behind Kafka saw of one measured window. */
export interface ConsumerFigures {
  /** From the time at which a publish was due until the consumer had its record, in whole milliseconds rounded up. */
  readonly latency: Percentiles;
  /** Records that the latency is of. */
  readonly records: number;
  /** CPU of the consumer's whole process per record. */
  readonly cpuUsPerRecord: number;
}

/** One window of load on one server: plain values, kept in the journal. */
export interface Measured {
  /** Publishes per second that were asked for; undefined while saturating. */
  readonly askedPerSecond: number | undefined;
  readonly figures: Figures;
  /** From the time at which a publish was due to its PUBACK. */
  readonly puback: Percentiles;
  readonly consumer: ConsumerFigures | undefined;
  /** What contradicts an acknowledgement; empty when all is well. */
  readonly problems: readonly string[];
}

export const measuredOf = (
  askedPerSecond: number | undefined,
  result: LoadResult,
  problems: readonly string[] = [],
  consumer?: ConsumerFigures,
): Measured => ({ askedPerSecond, figures: figuresOf(result), puback: result.latency, consumer, problems });
