import { describe, expect, test } from 'vitest';
import { cutWindows, floorOf } from '../../../../faults/soak/memory/floor.ts';
import { madeUpRun } from './memory-run.ts';

describe('cutWindows', () => {
  test('makes windows as long as it takes from one collection to the next', () => {
    const windows = cutWindows(madeUpRun({ seconds: 601, seed: 1, collectEveryS: 1 }));
    expect(windows.all.map((window) => window.length)).toEqual(Array.from({ length: 10 }, () => 60));
    expect(windows.collected).toEqual(windows.all);
  });

  test('tells windows without a collection apart', () => {
    const samples = madeUpRun({ seconds: 301, seed: 1 });
    const frozen = samples.map((sample) => ({ ...sample, majorCollections: sample.atS < 120 ? 0 : 1 }));
    const windows = cutWindows(frozen);
    expect(windows.all).toHaveLength(5);
    expect(windows.collected.map((window) => window[0]?.atS)).toEqual([120]);
  });

  test('leaves out the rest of the run that fills no window', () => {
    expect(cutWindows(madeUpRun({ seconds: 106, seed: 1, collectEveryS: 1 })).all).toHaveLength(1);
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
