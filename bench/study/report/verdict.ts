import { rates } from '../plan.ts';
import type { StudyResult } from './result.ts';

/**
 * What must hold on three brokers. Latencies are those at the highest of the studied rates; to PUBACK, while nobody reads
 * the topic.
 */
export interface StudyThresholds {
  readonly maxPubackP50Ms: number;
  readonly maxPubackP99Ms: number;
  readonly maxEndToEndP95Ms: number;
  readonly minSaturatedPerSecond: number;
  /** Largest quotient ÷ smallest one. */
  readonly maxQuotientSpread: number;
}

export const defaultStudyThresholds: StudyThresholds = {
  maxPubackP50Ms: 10,
  maxPubackP99Ms: 50,
  maxEndToEndP95Ms: 50,
  minSaturatedPerSecond: 45_000,
  maxQuotientSpread: 1.25,
};

/** An outage must not slow the devices down: what the disk takes is at least what Kafka took. */
const spoolShortfalls = (spooled: number | null, direct: number | null): string[] =>
  spooled === null || direct === null || spooled >= direct
    ? []
    : [`out of the spool, acknowledged/s: ${spooled}, to Kafka ${direct}`];

/** One line per figure that is worse than allowed. What was not measured is not judged. */
export const studyShortfalls = (result: StudyResult, thresholds: StudyThresholds): string[] => {
  const peak = result.latency.find(({ ratePerSecond }) => ratePerSecond === rates[0]);
  const atMost: [string, number | undefined, number][] = [
    [`PUBACK p50 at ${rates[0]}/s, ms`, peak?.puback.p50Ms, thresholds.maxPubackP50Ms],
    [`PUBACK p99 at ${rates[0]}/s, ms`, peak?.puback.p99Ms, thresholds.maxPubackP99Ms],
    [`end to end p95 at ${rates[0]}/s, ms`, peak?.endToEnd.p95Ms, thresholds.maxEndToEndP95Ms],
    ['quotient of CPU per message, largest ÷ smallest', result.quotient?.maxOverMin, thresholds.maxQuotientSpread],
  ];
  const { saturatedPerSecond, spooledPerSecond } = result;
  // Written so that NaN, which compares with nothing, falls short.
  const isEnough = saturatedPerSecond === null || saturatedPerSecond >= thresholds.minSaturatedPerSecond;
  return [
    ...atMost.flatMap(([name, value, allowed]) =>
      value === undefined || value <= allowed ? [] : [`${name}: ${value}, allowed ${allowed}`],
    ),
    ...(isEnough
      ? []
      : [`saturated, acknowledged/s: ${saturatedPerSecond}, wanted ${thresholds.minSaturatedPerSecond}`]),
    ...spoolShortfalls(spooledPerSecond.kafkaHalted, saturatedPerSecond),
  ];
};
