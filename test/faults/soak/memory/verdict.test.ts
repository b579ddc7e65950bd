import { describe, expect, test } from 'vitest';
import { defaultLimits, judgeMemory, trendFor } from '../../../../faults/soak/memory/verdict.ts';
import { madeUpRun } from './memory-run.ts';

const seeds = Array.from({ length: 5 }, (_, seed) => seed);
const steadyS = 25 * 60;

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
