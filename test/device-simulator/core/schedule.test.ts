import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Schedule } from '../../../device-simulator/core/schedule.ts';

function all(schedule: Schedule, stepMs: number, untilMs: number): [device: number, intendedMs: number][] {
  const taken: [number, number][] = [];
  for (let now = 0; now <= untilMs + stepMs; now += stepMs) {
    schedule.takeDue(now, (device, intendedMs) => {
      expect(intendedMs).toBeLessThanOrEqual(now);
      taken.push([device, intendedMs]);
    });
  }
  return taken;
}

const intervals = fc.array(fc.integer({ min: 50, max: 5_000 }), { minLength: 1, maxLength: 30 });

describe('the schedule', () => {
  it('is an open loop: what is intended does not depend on when it is asked', () => {
    fc.assert(
      fc.property(intervals, fc.integer({ min: 1, max: 3_000 }), (values, stepMs) => {
        const options = { intervalsMs: Float64Array.from(values), rampMs: 0, endMs: 10_000 };
        expect(all(new Schedule(options), stepMs, 10_000)).toEqual(all(new Schedule(options), 7, 10_000));
      }),
      { numRuns: 50 },
    );
  });

  it('hands out messages in the order of their times, each device at its own rate to the end', () => {
    fc.assert(
      fc.property(intervals, fc.integer({ min: 0, max: 4_000 }), (values, rampMs) => {
        const endMs = 12_000;
        const taken = all(new Schedule({ intervalsMs: Float64Array.from(values), rampMs, endMs }), 100, endMs);
        for (const [index, [, intendedMs]] of taken.entries()) {
          expect(intendedMs).toBeLessThan(endMs);
          expect(intendedMs).toBeGreaterThanOrEqual(taken[index - 1]?.[1] ?? 0);
        }
        for (const [device, intervalMs] of values.entries()) {
          const own = taken.filter(([of]) => of === device).map(([, intendedMs]) => intendedMs);
          const first = own[0] ?? endMs;
          expect(first).toBeLessThan((rampMs * device) / values.length + intervalMs + 1);
          expect(own.length).toBe(Math.ceil((endMs - first) / intervalMs - 1e-9));
          for (const [k, intendedMs] of own.entries()) expect(intendedMs).toBeCloseTo(first + k * intervalMs, 6);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('spreads a fleet over the interval instead of sending in bursts', () => {
    const schedule = new Schedule({ intervalsMs: new Float64Array(1_000).fill(1_000), rampMs: 0, endMs: 1_000 });
    const perTenth = Array.from({ length: 10 }, () => 0);
    schedule.takeDue(1_000, (_, intendedMs) => {
      const tenth = Math.floor(intendedMs / 100);
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1;
    });
    for (const messages of perTenth) expect(Math.abs(messages - 100)).toBeLessThanOrEqual(3);
  });

  it('tells when the next message is due, and when none is', () => {
    const schedule = new Schedule({ intervalsMs: Float64Array.of(1_000), rampMs: 0, endMs: 2_000 });
    expect(schedule.nextMs).toBe(0);
    schedule.takeDue(0, () => undefined);
    expect(schedule.nextMs).toBe(1_000);
    schedule.takeDue(5_000, () => undefined);
    expect(schedule.nextMs).toBeUndefined();
  });
});
