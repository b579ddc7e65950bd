import { randomStream } from '../../../device-simulator/core/random.ts';
import { cutWindows, floorOf, type Window } from './floor.ts';
import type { MemorySample } from './sample.ts';
import { type Point, robustLine } from './theil-sen.ts';

const bytesPerMb = 1_000_000;
const secondsPerHour = 3600;
const bootstrapStream = 0x50a4;
/** With fewer full collections the windows without one must do: better a wide interval than none. */
const fewestCollected = 8;

/**
 * `flat`: the 95 % interval of the slope contains zero (or lies below it), or ends below what is allowed. `growing`:
 * neither. `unclear`: it contains zero, but so much else that the leak which must be found could hide in it.
 */
export type Trend = 'flat' | 'growing' | 'unclear';

export interface Limits {
  /** A growth that surely stays below this is none, MB (10⁶ bytes) per hour. */
  readonly allowedMbPerHour: number;
  /** A leak of this size must not go unnoticed, MB per hour. */
  readonly mustBeFoundMbPerHour: number;
}

/** 5 MB/h is 0.3 bytes per message at 5,000/s: no object is that small. 60 MB/h is 1 MB a minute. */
export const defaultLimits: Limits = { allowedMbPerHour: 5, mustBeFoundMbPerHour: 60 };

/** Growth that has come to its end: what the second half of the run must stay below, as a share of what must be found. */
const settledShare = 0.5;

/** How one figure of the memory went over the steady part of a run. */
export interface MemoryTrend {
  readonly name: string;
  readonly trend: Trend;
  /** MB per hour, with its 95 % interval; NaN when there was too little to see. */
  readonly slopeMbPerHour: number;
  readonly lowMbPerHour: number;
  readonly highMbPerHour: number;
  /** Slope over the second half, MB per hour, when memory grew in the first half only; undefined otherwise. */
  readonly settledMbPerHour: number | undefined;
  /** Median level of the fitted line over the steady part, bytes. */
  readonly levelBytes: number;
  /** What the line was fitted to: seconds, bytes. */
  readonly floor: readonly Point[];
  /** The fitted line at the two ends of the steady part. */
  readonly line: readonly Point[];
}

export interface MemoryVerdict {
  readonly trend: Trend;
  readonly windows: number;
  /** Windows in which a full collection ended: the heap is judged by these, if there are enough of them. */
  readonly collectedWindows: number;
  /** The two that are judged: what JavaScript holds (heap and buffers), and what the system has given (own resident memory). */
  readonly trends: readonly MemoryTrend[];
}

/**
 * Judges the memory of a run. What JavaScript holds is judged by its slope alone. Own resident memory is a high-water mark:
 * the allocator keeps what the largest burst so far needed, so that it grows by steps that become rarer. It is flat, too,
 * when it no longer grew in the second half; a leak goes on.
 *
 * @param samples of the steady part, in their order
 * @param seed of the bootstrap: the same samples and seed give the same verdict
 */
export function judgeMemory(samples: readonly MemorySample[], seed: number, limits = defaultLimits): MemoryVerdict {
  const { all, collected } = cutWindows(samples);
  const heapWindows = collected.length >= fewestCollected ? collected : all;
  const trends = [
    trendOf('heap and buffers', heapWindows, (sample) => sample.heapUsed + sample.external, seed, limits),
    settled(
      trendOf('resident', all, (sample) => sample.rss, seed, limits),
      seed,
      limits,
    ),
  ];
  const trend = worst(trends.map((each) => each.trend));
  return { trend, windows: all.length, collectedWindows: collected.length, trends };
}

function trendOf(
  name: string,
  windows: readonly Window[],
  value: (sample: MemorySample) => number,
  seed: number,
  limits: Limits,
): MemoryTrend {
  const floor = floorOf(windows, value);
  const line = robustLine(floor, randomStream(seed, bootstrapStream));
  const first = floor[0]?.[0] ?? 0;
  const last = floor.at(-1)?.[0] ?? 0;
  const at = (x: number): number => (line === undefined ? Number.NaN : line.intercept + line.slope * x);
  const [low, high] = [perHour(line?.low), perHour(line?.high)];
  return {
    name,
    trend: trendFor(low, high, limits),
    slopeMbPerHour: perHour(line?.slope),
    lowMbPerHour: low,
    highMbPerHour: high,
    settledMbPerHour: undefined,
    levelBytes: at((first + last) / 2),
    floor,
    line: line === undefined ? [] : [first, last].map((x) => [x, at(x)] as const),
  };
}

/**
 * The same, but `flat` when it grew only until the middle of the run: when over the second half the slope is no more than
 * is allowed, surely less than what must be found, and the end lies hardly above the middle. The last is for a leak that
 * shows in a few large steps, which leave most slopes between two points zero.
 */
function settled(trend: MemoryTrend, seed: number, limits: Limits): MemoryTrend {
  if (trend.trend !== 'growing') return trend;
  const half = trend.floor.slice(Math.floor(trend.floor.length / 2));
  const [first, last] = [half[0], half.at(-1)];
  const line = robustLine(half, randomStream(seed, bootstrapStream));
  if (line === undefined || first === undefined || last === undefined) return trend;
  const slopeMbPerHour = perHour(line.slope);
  const riseMbPerHour = perHour((last[1] - first[1]) / (last[0] - first[0]));
  const hasSettled =
    slopeMbPerHour <= limits.allowedMbPerHour &&
    trendFor(perHour(line.low), perHour(line.high), limits) === 'flat' &&
    riseMbPerHour < limits.mustBeFoundMbPerHour * settledShare;
  return hasSettled ? { ...trend, trend: 'flat', settledMbPerHour: slopeMbPerHour } : trend;
}

/** Bytes per second as MB per hour. */
function perHour(slope = Number.NaN): number {
  return (slope * secondsPerHour) / bytesPerMb;
}

/** What an interval of slopes, MB per hour, says. NaN: nothing. */
export function trendFor(low: number, high: number, limits: Limits): Trend {
  if (high < limits.allowedMbPerHour) return 'flat';
  if (low > 0) return 'growing';
  return high < limits.mustBeFoundMbPerHour ? 'flat' : 'unclear';
}

function worst(trends: readonly Trend[]): Trend {
  return (['growing', 'unclear'] as const).find((trend) => trends.includes(trend)) ?? 'flat';
}
