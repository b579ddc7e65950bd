import { describe, expect, test } from 'vitest';
import { cutWindows, floorOf } from '../../../../faults/soak/memory/floor.ts';
import { madeUpRun } from './memory-run.ts';

describe('cutWindows', () => {
  test('takes the shortest windows when each has a full collection', () => {
    const windows = cutWindows(madeUpRun({ seconds: 600, seed: 1, collectEveryS: 1 }));
    expect(windows.lengthS).toBe(10);
    expect(windows.collected).toEqual(windows.all);
  });

  test('takes longer windows when full collections are rare', () => {
    const windows = cutWindows(madeUpRun({ seconds: 1500, seed: 1, collectEveryS: 12 }));
    expect(windows.lengthS).toBeGreaterThanOrEqual(30);
    expect(windows.collected.length).toBeGreaterThanOrEqual(windows.all.length * 0.9);
  });

  test('keeps ten windows, and says that nothing was collected, when there are hardly any collections', () => {
    const samples = madeUpRun({ seconds: 301, seed: 1 }).map((sample) => ({ ...sample, majorCollections: 0 }));
    const windows = cutWindows(samples);
    expect(windows.lengthS).toBe(30);
    expect(windows.all).toHaveLength(10);
    expect(windows.collected).toHaveLength(0);
  });

  test('leaves out the rest of the run that fills no window', () => {
    const windows = cutWindows(madeUpRun({ seconds: 106, seed: 1, collectEveryS: 1 }));
    expect(windows.all).toHaveLength(10);
  });

  test('has none without samples', () => {
    expect(cutWindows([]).all).toEqual([]);
  });
});

describe('floorOf', () => {
  test('is what is left after collections, not the garbage in between', () => {
    const windows = cutWindows(madeUpRun({ seconds: 1500, seed: 3 }));
    const floor = floorOf(windows.collected, ({ heapUsed }) => heapUsed);
    expect(floor).toHaveLength(windows.collected.length);
    for (const [, bytes] of floor) expect(bytes).toBeLessThan(60_000_000);
  });
});
