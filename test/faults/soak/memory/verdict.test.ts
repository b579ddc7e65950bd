import { describe, expect, test } from 'vitest';
import { defaultLimits, judgeMemory, trendFor } from '../../../../faults/soak/memory/verdict.ts';
import { madeUpRun } from './memory-run.ts';

const seeds = Array.from({ length: 5 }, (_, seed) => seed);
const steadyS = 25 * 60;
const mb = 1_000_000;

describe('judgeMemory', () => {
  test('finds a leak of 1 MB a minute in every one of five runs', () => {
    for (const seed of seeds) {
      const verdict = judgeMemory(madeUpRun({ seconds: steadyS, seed, leakMbPerMinute: 1 }), seed);
      expect(verdict.trend).toBe('growing');
      expect(verdict.trends[0]?.slopeMbPerHour).toBeGreaterThan(45);
      expect(verdict.trends[0]?.slopeMbPerHour).toBeLessThan(75);
    }
  });

  test('takes garbage, and objects that come and go, for no leak in at least four of five runs', () => {
    const verdicts = seeds.map((seed) => judgeMemory(madeUpRun({ seconds: steadyS, seed }), seed).trend);
    expect(verdicts).not.toContain('unclear');
    expect(verdicts.filter((trend) => trend === 'growing').length).toBeLessThanOrEqual(1);
  });

  test('finds a leak of 1 MB a minute that only the system sees, in every one of five runs', () => {
    for (const seed of seeds) {
      const outside = (atS: number): number => (atS / 60) * mb;
      const [heap, resident] = judgeMemory(madeUpRun({ seconds: steadyS, seed, outside }), seed).trends;
      expect(heap?.trend).toBe('flat');
      expect(resident?.trend).toBe('growing');
    }
  });

  test.each([
    ['every two minutes', 120],
    ['every four minutes', 240],
    ['every six minutes', 360],
  ])('finds it also when the allocator asks the system for more only %s', (_, everyS) => {
    for (const seed of seeds) {
      const outside = (atS: number): number => Math.floor(atS / everyS) * (everyS / 60) * mb;
      expect(judgeMemory(madeUpRun({ seconds: steadyS, seed, outside }), seed).trends[1]?.trend).toBe('growing');
    }
  });

  test('finds a leak of 20 MB an hour outside of the heap, if nothing else moves the resident memory', () => {
    const samples = madeUpRun({ seconds: steadyS, seed: 1 }).map((sample) => ({
      ...sample,
      rss: 200 * mb + (sample.atS / 3600) * 20 * mb,
    }));
    expect(judgeMemory(samples, 1).trends[1]?.trend).toBe('growing');
  });

  test('takes what is kept of the largest bursts for no leak, once it has stopped to grow', () => {
    const samples = madeUpRun({ seconds: steadyS, seed: 2 }).map((sample) => ({
      ...sample,
      rss: 220 * mb - 20 * mb * Math.exp(-sample.atS / 200),
    }));
    const resident = judgeMemory(samples, 2).trends[1];
    expect(resident?.highMbPerHour).toBeGreaterThan(5);
    expect(resident?.lowMbPerHour).toBeGreaterThan(0);
    expect(resident?.settledMbPerHour).toBeLessThan(5);
    expect(resident?.trend).toBe('flat');
  });

  test('does not take for settled what grows again at the end', () => {
    const outside = (atS: number): number => (atS < 600 ? 0 : atS < 1_100 ? 20 : 40) * mb;
    const verdict = judgeMemory(madeUpRun({ seconds: steadyS, seed: 2, outside }), 2);
    expect(verdict.trends[1]?.trend).toBe('growing');
  });

  test('does not claim to know after two minutes', () => {
    expect(judgeMemory(madeUpRun({ seconds: 60, seed: 1, leakMbPerMinute: 1 }), 1).trend).toBe('unclear');
  });

  test('finds memory flat that shrinks', () => {
    expect(judgeMemory(madeUpRun({ seconds: steadyS, seed: 4, leakMbPerMinute: -1 }), 4).trend).toBe('flat');
  });

  test('gives the level and the line that it fitted', () => {
    const [heap] = judgeMemory(madeUpRun({ seconds: steadyS, seed: 5 }), 5).trends;
    expect(heap?.levelBytes).toBeGreaterThan(30_000_000);
    expect(heap?.levelBytes).toBeLessThan(60_000_000);
    expect(heap?.line).toHaveLength(2);
  });
});

describe('trendFor', () => {
  test.each([
    [-3, 20, 'flat'],
    [1, 4, 'flat'],
    [1, 6, 'growing'],
    [-100, 70, 'unclear'],
    [Number.NaN, Number.NaN, 'unclear'],
    [-30, -10, 'flat'],
  ] as const)('an interval from %d to %d MB/h is %s', (low, high, trend) => {
    expect(trendFor(low, high, defaultLimits)).toBe(trend);
  });
});
