import { describe, expect, it } from 'vitest';
import { EndToEnd } from '../../../../bench/study/consumer/end-to-end.ts';

describe('the latency from publish to consumer', () => {
  it('counts from the timestamp of the record', () => {
    const endToEnd = new EndToEnd();
    endToEnd.expect(1000, 2000);
    for (let record = 1; record <= 100; record++) endToEnd.record(1500, 1500 + record);
    const { records, latency } = endToEnd.figures();
    expect(records).toBe(100);
    expect(latency.p50Ms).toBeCloseTo(50, 0);
    expect(latency.p95Ms).toBeCloseTo(95, 0);
    expect(latency.p999Ms).toBeCloseTo(100, 0);
  });

  it('is of records that were due in the window only, however late they arrive', () => {
    const endToEnd = new EndToEnd();
    endToEnd.expect(1000, 2000);
    endToEnd.record(999, 1500);
    endToEnd.record(1999, 9000);
    endToEnd.record(2000, 2001);
    expect(endToEnd.figures()).toMatchObject({ records: 1 });
    expect(endToEnd.figures().latency.maxMs).toBeCloseTo(7001, -1);
    expect(endToEnd.arrived).toBe(3);
  });

  it('begins anew with each window', () => {
    const endToEnd = new EndToEnd();
    endToEnd.expect(0, 10);
    endToEnd.record(5, 6);
    endToEnd.expect(10, 20);
    expect(endToEnd.figures().records).toBe(0);
  });

  it('waits for the records that are still under way, and not beyond its deadline', async () => {
    const endToEnd = new EndToEnd();
    const arrived = endToEnd.untilArrived(2, 60_000);
    endToEnd.record(1, 2);
    endToEnd.record(1, 2);
    await arrived;
    await endToEnd.untilArrived(3, 1);
    expect(endToEnd.arrived).toBe(2);
  });
});
