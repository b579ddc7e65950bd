import { describe, expect, test } from 'vitest';
import { linearScale, logarithmicScale, timeScale } from '../../../faults/report/scale.ts';

describe('linearScale', () => {
  test('ends on round numbers around the values', () => {
    expect(linearScale(0, 4_870, 0, 100).ticks).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
  });

  test('places values between its ends', () => {
    const scale = linearScale(0, 100, 200, 0);
    expect([0, 25, 100].map((value) => scale.place(value))).toEqual([200, 150, 0]);
  });

  test('has an extent also when all values are the same', () => {
    for (const value of [0, 7, -3]) {
      const { ticks, place } = linearScale(value, value, 0, 100);
      expect(ticks.length).toBeGreaterThan(1);
      expect(place(value)).toBeGreaterThanOrEqual(0);
      expect(place(value)).toBeLessThanOrEqual(100);
    }
  });
});

test('an axis of half an hour steps by round minutes', () => {
  expect(timeScale(0, 1_800, 0, 100).ticks).toEqual([0, 300, 600, 900, 1200, 1500, 1800]);
});

describe('logarithmicScale', () => {
  test('goes from power of ten to power of ten', () => {
    expect(logarithmicScale(3, 700, 0, 100).ticks).toEqual([1, 10, 100, 1000]);
  });

  test('draws at the lower end what has no logarithm', () => {
    expect(logarithmicScale(1, 100, 200, 0).place(0)).toBe(200);
  });
});
