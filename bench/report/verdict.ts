import type { BenchResult } from './result.ts';

/** What the gateway must keep. */
export interface Thresholds {
  readonly maxRatioToLimit: number;
  readonly maxRatioToBaseline: number;
  readonly maxRatioFullToLimit: number;
  readonly maxIdleBytes: number;
  readonly maxPubackP99Ms: number;
}

/** 16 kB are taken as 16 × 1024 bytes. */
export const defaultThresholds: Thresholds = {
  maxRatioToLimit: 1.7,
  maxRatioToBaseline: 0.5,
  maxRatioFullToLimit: 1.7,
  maxIdleBytes: 16_384,
  maxPubackP99Ms: 100,
};

/** One line per figure that is worse than allowed. What was not measured is not judged. */
export const shortfalls = (result: BenchResult, thresholds: Thresholds): string[] => {
  const checks: [string, number | null | undefined, number][] = [
    ['CPU per message, gateway ÷ limit', result.ratioToLimit, thresholds.maxRatioToLimit],
    ['CPU per message, gateway ÷ baseline', result.ratioToBaseline, thresholds.maxRatioToBaseline],
    ['CPU per message, everything on ÷ limit', result.ratioFullToLimit, thresholds.maxRatioFullToLimit],
    ['bytes per idle connection', result.gateway?.bytesPerIdleConnection, thresholds.maxIdleBytes],
    ['PUBACK p99 at the fixed rate, ms', result.gateway?.pubackP99Ms, thresholds.maxPubackP99Ms],
  ];
  return checks.flatMap(([name, value, allowed]) =>
    // Written so that NaN, which compares with nothing, falls short.
    value === null || value === undefined || value <= allowed ? [] : [`${name}: ${value}, allowed ${allowed}`],
  );
};
