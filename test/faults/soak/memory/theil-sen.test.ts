import { describe, expect, test } from 'vitest';
import { randomStream } from '../../../../device-simulator/core/random.ts';
import { type Point, robustLine, theilSen } from '../../../../faults/soak/memory/theil-sen.ts';

const line = (count: number, slope: number, noise: (x: number) => number = () => 0): Point[] =>
  Array.from({ length: count }, (_, x) => [x, 7 + slope * x + noise(x)]);

describe('theilSen', () => {
  test('finds a line exactly', () => {
    expect(theilSen(line(5, 2))).toEqual({ slope: 2, intercept: 7 });
  });

  test('is not moved by a quarter of the points being far off', () => {
    const points = line(40, 2, (x) => (x % 4 === 0 ? 10_000 : 0));
    expect(theilSen(points)?.slope).toBe(2);
  });

  test('has no slope for points above one another', () => {
    expect(
      theilSen([
        [1, 2],
        [1, 5],
      ]),
    ).toBeUndefined();
  });
});

describe('robustLine', () => {
  test('gives an interval that contains the slope of a noisy line, and shrinks with more points', () => {
    const random = randomStream(1, 1);
    const widths = [12, 60].map((count) => {
      const fitted = robustLine(
        line(count, 3, () => random.between(-5, 5)),
        randomStream(2, 2),
      );
      if (fitted === undefined) throw new Error('no line');
      expect(fitted.low).toBeLessThan(3);
      expect(fitted.high).toBeGreaterThan(3);
      return fitted.high - fitted.low;
    });
    expect(widths[1]).toBeLessThan((widths[0] as number) / 3);
  });

  test('gives the same interval for the same seed', () => {
    const points = line(20, 1, (x) => (x * 7919) % 13);
    expect(robustLine(points, randomStream(9, 9))).toEqual(robustLine(points, randomStream(9, 9)));
  });

  test('says nothing about fewer than eight points', () => {
    expect(robustLine(line(7, 1), randomStream(1, 1))).toBeUndefined();
  });
});
