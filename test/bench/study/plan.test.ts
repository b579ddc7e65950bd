import { describe, expect, it } from 'vitest';
import { byServer, pacedInFlight, quotientCases } from '../../../bench/study/plan.ts';

describe('the loads of the quotient', () => {
  it('are all of rates, connections and partitions on the whole grid', () => {
    const cases = quotientCases('full');
    expect(cases).toHaveLength(27);
    expect(new Set(cases.map((each) => JSON.stringify(each))).size).toBe(27);
  });

  it('are the axes through the middle, and the corners, on the short one', () => {
    const cases = quotientCases('axes');
    expect(cases).toHaveLength(15);
    expect(cases).toContainEqual({ rate: 10_000, connections: 1000, partitions: 12 });
    expect(cases).toContainEqual({ rate: 1000, connections: 1000, partitions: 12 });
    expect(cases).toContainEqual({ rate: 1000, connections: 10_000, partitions: 64 });
    expect(cases).not.toContainEqual({ rate: 1000, connections: 100, partitions: 12 });
  });

  it('share a server as long as only the rate differs, the highest first', () => {
    const groups = byServer(quotientCases('full'));
    expect(groups).toHaveLength(9);
    for (const group of groups) expect(group.map(({ rate }) => rate)).toEqual([10_000, 5000, 1000]);
  });
});

describe('the publishes that may be in flight at a rate', () => {
  it('cover half a second of it', () => {
    expect(pacedInFlight(10_000, 500)).toBe(10);
  });

  it('are a few where there are many connections, and no more than the gateway takes where there are few', () => {
    expect(pacedInFlight(1000, 10_000)).toBe(4);
    expect(pacedInFlight(10_000, 10)).toBe(64);
  });
});
