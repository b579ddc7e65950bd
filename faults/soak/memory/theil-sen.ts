import type { Random } from '../../../device-simulator/core/random.ts';

/** A point of a series: `x` and `y` in any unit. */
export type Point = readonly [x: number, y: number];

/** A line through points, and how far its slope can be trusted. */
export interface RobustLine {
  /** Units of y per unit of x. */
  readonly slope: number;
  readonly intercept: number;
  /** The 95 % interval of the slope. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1_000;
const CONFIDENCE = 0.95;

/**
 * Theil–Sen: the median of the slopes between all pairs of points. Up to 29 % of the points may be arbitrarily wrong
 * (a burst, a leader move, a late collection) without moving it far.
 *
 * @returns undefined when no two points differ in x
 */
export function theilSen(points: readonly Point[]): { slope: number; intercept: number } | undefined {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let count = 0;
  for (const [index, [x, y]] of points.entries()) {
    for (let other = 0; other < index; other += 1) {
      const [otherX, otherY] = points[other] as Point;
      if (x !== otherX) slopes[count++] = (y - otherY) / (x - otherX);
    }
  }
  if (count === 0) return undefined;
  const slope = medianOf(slopes.subarray(0, count));
  return { slope, intercept: medianOf(Float64Array.from(points, ([x, y]) => y - slope * x)) };
}

/**
 * Theil–Sen with a percentile interval from a moving-block bootstrap: runs of neighbouring points are drawn together,
 * because neighbours resemble each other (memory that was not given back in this minute is there in the next), and
 * drawing them one by one would make the interval too narrow. Block length: the cube root of the number of points.
 *
 * @param points in the order of x
 * @param random the same seed gives the same interval
 * @returns undefined for fewer than 8 points: nothing can be said about their scatter
 */
export function robustLine(points: readonly Point[], random: Random): RobustLine | undefined {
  const line = points.length < 8 ? undefined : theilSen(points);
  if (line === undefined) return undefined;
  const blockLength = Math.ceil(Math.cbrt(points.length));
  const slopes: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample += 1) {
    const drawn = theilSen(drawBlocks(points, blockLength, random));
    if (drawn !== undefined) slopes.push(drawn.slope);
  }
  const sorted = Float64Array.from(slopes).sort();
  const tail = (1 - CONFIDENCE) / 2;
  return { ...line, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

function drawBlocks(points: readonly Point[], blockLength: number, random: Random): Point[] {
  const drawn: Point[] = [];
  while (drawn.length < points.length) {
    const start = random.integer(points.length - blockLength + 1);
    drawn.push(...points.slice(start, start + blockLength));
  }
  return drawn.slice(0, points.length);
}

/** Sorts the values in place. The mean of the two middle ones when their number is even. */
function medianOf(values: Float64Array): number {
  return quantile(values.sort(), 0.5);
}

/** Linear interpolation between the neighbours. */
function quantile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
