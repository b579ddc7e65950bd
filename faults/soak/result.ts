import type { FleetSummary } from '../fleet/fleet-process.ts';
import type { Verdict } from '../judge/judge.ts';
import { type Problem, problemsOf, type TimelineRecord } from '../result.ts';
import type { DisturbanceCounts } from './disturbances.ts';
import type { MemorySample } from './memory/sample.ts';
import type { MemoryVerdict } from './memory/verdict.ts';
import type { SoakOptions } from './options.ts';

/** Everything that was seen in one soak. */
export interface SoakMeasurements {
  readonly options: SoakOptions;
  readonly startedAtMs: number;
  /** Length of the load. */
  readonly seconds: number;
  readonly timeline: TimelineRecord;
  readonly disturbances: DisturbanceCounts;
  readonly fleet: FleetSummary;
  readonly memorySamples: readonly MemorySample[];
  /** Where the steady part begins, seconds since the begin of the load: what is before it is start-up. */
  readonly steadyFromS: number;
  readonly memory: MemoryVerdict;
  readonly verdict: Verdict;
  /** Times that something was sent again, and records that the gateway may have stored twice by its own count. */
  readonly duplicateBound: number;
  /** What was wrong with the gateway's accounts at any look. */
  readonly accountProblems: readonly string[];
  /** How the gateway ended when it had nothing to do and was asked to; null when a signal ended it. */
  readonly exitCode: number | null;
  /** CPU seconds of the whole load. */
  readonly cpu: { readonly gatewayS: number; readonly fleetS: number };
  readonly judgedInS: number;
}

/** Less than this share of the wished rate means that the run was not the run that was asked for. */
const leastShareOfRate = 0.98;

/** What makes the soak bad. Memory of which nothing can be said is not in it: see `exitCodeOf`. */
export function soakProblems(measured: SoakMeasurements): Problem[] {
  const { options, seconds, fleet, memory, verdict, duplicateBound, accountProblems, disturbances, exitCode } =
    measured;
  const problems = problemsOf(verdict, duplicateBound);
  const check = (holds: boolean, text: string): void => {
    if (!holds) problems.push({ finding: 'check', text });
  };
  for (const { name, trend, lowMbPerHour, highMbPerHour } of memory.trends) {
    check(trend !== 'growing', `${name} memory grows by ${oneDigit(lowMbPerHour)} to ${oneDigit(highMbPerHour)} MB/h`);
  }
  const rate = answeredPerSecond(measured);
  check(rate >= options.rate * leastShareOfRate, `only ${oneDigit(rate)} of ${options.rate} messages/s were answered`);
  check(fleet.overflowed === 0, `${fleet.overflowed} messages did not fit into the vehicles' backlogs`);
  check(seconds < 2 * options.leaderMoveEveryS || disturbances.leaderMoves > 0, 'no leader was moved');
  check(disturbances.failedMoves === 0, `${disturbances.failedMoves} moves of leaders failed`);
  check(exitCode === 0, `a gateway with nothing to do ended with exit code ${exitCode}, not 0`);
  for (const text of accountProblems) problems.push({ finding: 'account', text });
  return problems;
}

/** 0 good, 1 bad, 2: nothing bad was seen, and the run was too short to speak about memory. */
export function exitCodeOf(measured: SoakMeasurements): 0 | 1 | 2 {
  if (soakProblems(measured).length > 0) return 1;
  return measured.memory.trend === 'unclear' ? 2 : 0;
}

/** The first few of each finding; none of duplicates that are explained. */
export function examplesOf({ verdict, duplicateBound }: SoakMeasurements): readonly string[] {
  const areExplained = verdict.duplicated <= duplicateBound;
  return verdict.examples.filter((example) => !(areExplained && example.startsWith('duplicated:')));
}

export function answeredPerSecond({ fleet, seconds }: SoakMeasurements): number {
  return (fleet.acked + fleet.rejected) / seconds;
}

/** The last line of the output. */
export interface SoakFigures {
  readonly minutes: number;
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly acked: number;
  readonly lost: number;
  readonly phantom: number;
  readonly outOfOrder: number;
  readonly split: number;
  readonly duplicated: number;
  readonly duplicateBound: number;
  readonly reconnects: number;
  readonly leaderMoves: number;
  readonly memory: string;
  /** MB (10⁶ bytes) per hour: slope, low and high end of its 95 % interval; null when there was too little to see. */
  readonly heapMbPerHour: readonly (number | null)[];
  readonly residentMbPerHour: readonly (number | null)[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function figuresOf(measured: SoakMeasurements): SoakFigures {
  const { options, verdict, memory, fleet, disturbances, duplicateBound } = measured;
  const { lost, phantom, outOfOrder, split, duplicated, acked } = verdict;
  const [heap, resident] = memory.trends.map(({ slopeMbPerHour, lowMbPerHour, highMbPerHour }) =>
    [slopeMbPerHour, lowMbPerHour, highMbPerHour].map((value) => (Number.isFinite(value) ? +value.toFixed(2) : null)),
  );
  return {
    minutes: +(measured.seconds / 60).toFixed(2),
    seed: options.seed,
    ratePerSecond: +answeredPerSecond(measured).toFixed(1),
    ...{ acked, lost, phantom, outOfOrder, split, duplicated, duplicateBound },
    reconnects: fleet.disconnects,
    leaderMoves: disturbances.leaderMoves,
    memory: memory.trend,
    heapMbPerHour: heap ?? [],
    residentMbPerHour: resident ?? [],
    p50Ms: fleet.p50Ms,
    p99Ms: fleet.p99Ms,
  };
}

function oneDigit(value: number): string {
  return value.toFixed(1);
}
