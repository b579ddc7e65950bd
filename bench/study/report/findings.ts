import type { Percentiles } from '../../load/latencies.ts';
import { median } from '../../measure/median.ts';
import { aboutNeighbours, aboutRate } from '../../report/warnings.ts';
import type { Journal } from '../journal.ts';
import { keys, type Take } from '../keys.ts';
import type { ConsumerFigures, Measured } from '../measured.ts';
import type { StudyOptions } from '../parts.ts';
import { type Factor, factors, type QuotientCase, quotientCases, rates, type SpoolCase, spoolCases } from '../plan.ts';

/** Latency at one rate: each figure is the median over the rounds. */
export interface LatencyFinding {
  readonly rate: number;
  readonly ackedPerSecond: number;
  readonly cpuUsPerMessage: number;
  /** While nobody reads the topic. */
  readonly puback: Percentiles;
  /** While one consumer reads everything. */
  readonly pubackWithConsumer: Percentiles;
  readonly endToEnd: Percentiles;
  readonly consumerCpuUsPerRecord: number;
}

/** One value of one setting. */
export interface FactorFinding {
  readonly factor: Factor;
  readonly value: number;
  /** At the highest of the studied rates. */
  readonly paced: { readonly puback: Percentiles; readonly cpuUsPerMessage: number } | undefined;
  readonly saturatedPerSecond: number | undefined;
}

export interface QuotientFinding extends QuotientCase {
  readonly gatewayUs: number;
  readonly limitUs: number;
  /** CPU per acknowledged message, gateway ÷ limit. */
  readonly quotient: number;
}

/** What a study found, as far as it was measured. */
export interface Findings {
  readonly latency: readonly LatencyFinding[];
  readonly factors: readonly FactorFinding[];
  readonly quotients: readonly QuotientFinding[];
  readonly saturatedPerSecond: number | undefined;
  /** The same by way of the spool. */
  readonly spooled: readonly { readonly how: SpoolCase; readonly perSecond: number }[];
  /** What contradicted an acknowledgement, with the measurement in which it did. */
  readonly problems: readonly string[];
  /** What a reader should know before trusting the figures; empty when nothing is odd. */
  readonly notes: readonly string[];
}

type Keyed = (take: Take) => string;

/** Reads from the journal what belongs to these options. */
export const findingsOf = (journal: Journal, { seconds, rounds, grid, parts }: StudyOptions): Findings => {
  const problems: string[] = [];
  const notes: string[] = [];
  const taken = (key: Keyed): Measured[] =>
    Array.from({ length: rounds }, (_, index) => key({ seconds, round: index + 1 })).flatMap((name) => {
      const measured = journal.get<Measured>(name);
      if (measured === undefined) return [];
      for (const problem of measured.problems) problems.push(`${name}: ${problem}`);
      notes.push(...notesOf(name, measured));
      return [measured];
    });
  const cpuOf = (key: Keyed): number | undefined => median(taken(key).map(({ figures }) => figures.cpuUsPerMessage));
  const perSecondOf = (key: Keyed): number | undefined =>
    median(taken(key).map(({ figures }) => figures.ackedPerSecond));
  const ofPart = <T>(part: (typeof parts)[number], all: () => T[]): T[] => (parts.includes(part) ? all() : []);
  return {
    latency: ofPart('latency', () =>
      rates.toReversed().flatMap((rate) =>
        latencyOf(
          rate,
          taken((take) => keys.latency(rate, 'no consumer', take)),
          taken((take) => keys.latency(rate, 'one consumer', take)),
        ),
      ),
    ),
    factors: ofPart('factors', () =>
      factors.flatMap((factor) =>
        factor.values.map((value) => ({
          factor,
          value,
          paced: pacedOf(taken((take) => keys.factor(factor, value, 'paced', take))),
          saturatedPerSecond: perSecondOf((take) => keys.factor(factor, value, 'saturated', take)),
        })),
      ),
    ),
    quotients: ofPart('quotient', () =>
      quotientCases(grid).flatMap((each) => {
        const gatewayUs = cpuOf((take) => keys.gateway(each, take));
        const limitUs = cpuOf((take) => keys.limit(each, take));
        if (gatewayUs === undefined || limitUs === undefined) return [];
        return [{ ...each, gatewayUs, limitUs, quotient: gatewayUs / limitUs }];
      }),
    ),
    saturatedPerSecond: parts.includes('throughput') ? perSecondOf(keys.throughput) : undefined,
    spooled: ofPart('spool', () =>
      spoolCases.flatMap((how) => {
        const perSecond = perSecondOf((take) => keys.spool(how, take));
        return perSecond === undefined ? [] : [{ how, perSecond }];
      }),
    ),
    // Each once: the same limit is looked up for each number of partitions.
    problems: [...new Set(problems)],
    notes: [...new Set(notes)],
  };
};

const notesOf = (name: string, { askedPerSecond, figures }: Measured): string[] => [
  ...(askedPerSecond === undefined ? [] : aboutRate(name, askedPerSecond, figures)),
  ...aboutNeighbours(name, [figures]),
];

const latencyOf = (rate: number, alone: readonly Measured[], consumed: readonly Measured[]): LatencyFinding[] => {
  const consumers = consumed.flatMap(({ consumer }) => (consumer === undefined ? [] : [consumer]));
  if (alone.length === 0 || consumers.length === 0) return [];
  const middle = (of: (measured: Measured) => number): number => median(alone.map(of)) as number;
  return [
    {
      rate,
      ackedPerSecond: middle(({ figures }) => figures.ackedPerSecond),
      cpuUsPerMessage: middle(({ figures }) => figures.cpuUsPerMessage),
      puback: medianPercentiles(alone.map(({ puback }) => puback)),
      pubackWithConsumer: medianPercentiles(consumed.map(({ puback }) => puback)),
      endToEnd: medianPercentiles(consumers.map(({ latency }) => latency)),
      consumerCpuUsPerRecord: median(consumers.map((each: ConsumerFigures) => each.cpuUsPerRecord)) as number,
    },
  ];
};

const pacedOf = (taken: readonly Measured[]): FactorFinding['paced'] => {
  const cpuUsPerMessage = median(taken.map(({ figures }) => figures.cpuUsPerMessage));
  if (cpuUsPerMessage === undefined) return undefined;
  return { cpuUsPerMessage, puback: medianPercentiles(taken.map(({ puback }) => puback)) };
};

/** Each percentile's median over some rounds; there must be one. */
const medianPercentiles = (rounds: readonly Percentiles[]): Percentiles => {
  const of = (name: keyof Percentiles): number => median(rounds.map((each) => each[name])) as number;
  return { p50Ms: of('p50Ms'), p95Ms: of('p95Ms'), p99Ms: of('p99Ms'), p999Ms: of('p999Ms'), maxMs: of('maxMs') };
};
