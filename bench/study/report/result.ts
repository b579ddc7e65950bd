import type { Percentiles } from '../../load/latencies.ts';
import type { Findings, QuotientFinding } from './findings.ts';

/** The last line of the output. What was not measured is null or empty. Milliseconds, microseconds of CPU. */
export interface StudyResult {
  readonly latency: readonly {
    readonly ratePerSecond: number;
    /** While nobody reads the topic. */
    readonly puback: PercentileFigures;
    /** While one consumer reads everything; so is `endToEnd`. */
    readonly pubackWithConsumer: PercentileFigures;
    readonly endToEnd: PercentileFigures;
  }[];
  readonly quotient: QuotientSpread | null;
  readonly saturatedPerSecond: number | null;
  /** The same by way of the spool. */
  readonly spooledPerSecond: { readonly kafkaThere: number | null; readonly kafkaHalted: number | null };
}

export interface PercentileFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** How flat the quotient is over all loads that were measured. */
export interface QuotientSpread {
  readonly loads: number;
  readonly min: number;
  readonly max: number;
  readonly maxOverMin: number;
}

export const resultOf = ({ latency, quotients, saturatedPerSecond, spooled }: Findings): StudyResult => ({
  latency: latency.map(({ rate, puback, pubackWithConsumer, endToEnd }) => ({
    ratePerSecond: rate,
    puback: figuresOf(puback),
    pubackWithConsumer: figuresOf(pubackWithConsumer),
    endToEnd: figuresOf(endToEnd),
  })),
  quotient: spreadOf(quotients),
  saturatedPerSecond: wholeOrNull(saturatedPerSecond),
  spooledPerSecond: {
    kafkaThere: wholeOrNull(spooled.find(({ how }) => how === 'Kafka there')?.perSecond),
    kafkaHalted: wholeOrNull(spooled.find(({ how }) => how === 'Kafka halted')?.perSecond),
  },
});

const wholeOrNull = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));

/** Null without quotients. */
export const spreadOf = (quotients: readonly QuotientFinding[]): QuotientSpread | null => {
  if (quotients.length === 0) return null;
  const values = quotients.map(({ quotient }) => quotient);
  const min = Math.min(...values);
  const max = Math.max(...values);
  return { loads: values.length, min: rounded(min), max: rounded(max), maxOverMin: rounded(max / min) };
};

const figuresOf = ({ p50Ms, p95Ms, p99Ms, p999Ms }: Percentiles): PercentileFigures => ({
  p50Ms: rounded(p50Ms),
  p95Ms: rounded(p95Ms),
  p99Ms: rounded(p99Ms),
  p999Ms: rounded(p999Ms),
});

const rounded = (value: number): number => Number(value.toFixed(2));
