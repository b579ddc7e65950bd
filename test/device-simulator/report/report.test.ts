import { describe, expect, it } from 'vitest';
import { Ledger } from '../../../device-simulator/core/ledger.ts';
import { Reconciler } from '../../../device-simulator/core/reconcile.ts';
import { LatencyHistogram } from '../../../device-simulator/report/latency.ts';
import { duration, faults, finalReport, type RunFigures, verdictOf } from '../../../device-simulator/report/report.ts';
import { Screen } from '../../../device-simulator/report/screen.ts';

const goodVerification = {
  ...new Reconciler(new Ledger()).conclude(),
  sent: 10,
  acked: 10,
  inKafka: 10,
  recordsRead: 10,
  unreadable: 0,
};
const good: RunFigures = {
  devices: 2,
  connected: 2,
  published: 10,
  acknowledged: 10,
  rejected: 0,
  inFlight: 0,
  latency: { p50Ms: 1.2344, p95Ms: 2, p99Ms: 3.5, p999Ms: 3.9, maxMs: 4 },
  reconnects: 0,
  overflowed: 0,
  resent: 0,
  neverSent: 0,
  unanswered: 0,
  connectionFailures: [],
  rejections: [],
  verification: goodVerification,
};
const verified = (change: Partial<typeof goodVerification>): RunFigures => ({
  ...good,
  verification: { ...goodVerification, ...change },
});

describe('the verdict', () => {
  it('is good when everything acknowledged is in Kafka, also with duplicates', () => {
    expect(faults(good)).toEqual([]);
    expect(faults(verified({ duplicated: 7 }))).toEqual([]);
    expect(faults({ ...good, verification: undefined })).toEqual([]);
  });

  it.each(['lost', 'phantom', 'outOfOrder', 'wrongPartition', 'wrongId'] as const)('is bad with one %s', (finding) => {
    expect(faults(verified({ [finding]: 1 }))).toHaveLength(1);
  });

  it('is bad when nothing was sent or nothing acknowledged: a run that proves nothing proves nothing good', () => {
    expect(faults({ ...good, published: 0, acknowledged: 0 })).toEqual(['nothing was sent']);
    expect(faults({ ...good, acknowledged: 0 })).toEqual(['nothing was acknowledged']);
  });

  it('has the figures of the convention', () => {
    expect(JSON.stringify(verdictOf(verified({ lost: 1, duplicated: 2 })))).toBe(
      '{"sent":10,"acked":10,"inKafka":10,"lost":1,"duplicated":2,"outOfOrder":0,"wrongPartition":0,"pubackP50Ms":1.234,"pubackP99Ms":3.5}',
    );
  });

  it('says null, not zero, of what was not verified or not measured', () => {
    const nan = Number.NaN;
    const latency = { p50Ms: nan, p95Ms: nan, p99Ms: nan, p999Ms: nan, maxMs: nan };
    expect(verdictOf({ ...good, verification: undefined, latency })).toMatchObject({
      lost: null,
      inKafka: null,
      pubackP50Ms: null,
    });
  });
});

describe('the final report', () => {
  it('lists every figure of the reconciliation, with examples of what is wrong', () => {
    const examples = { ...goodVerification.examples, lost: ['veh-000001 boot 5 sequence 3'] };
    const text = finalReport({ ...verified({ lost: 1, examples }), resent: 4, rejections: [['0x99 x', 2]] }).join('\n');
    for (const part of ['sent', 'acknowledged', 'in Kafka', 'lost', 'duplicated', 'out of order', 'wrong partition']) {
      expect(text).toContain(part);
    }
    expect(text).toContain('veh-000001 boot 5 sequence 3');
    expect(text).toContain('0x99 x');
  });

  it('writes durations as people read them', () => {
    expect([1.234, 45.67, 456.7, 12_345, Number.NaN].map(duration)).toEqual([
      '1.23 ms',
      '45.7 ms',
      '457 ms',
      '12.3 s',
      '–',
    ]);
  });
});

describe('the latency histogram', () => {
  it('keeps three digits', () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1_000; ms += 1) histogram.record(ms);
    const { p50Ms, p95Ms, p99Ms, maxMs } = histogram.summary();
    for (const [measured, expected] of [
      [p50Ms, 500],
      [p95Ms, 950],
      [p99Ms, 990],
      [maxMs, 1_000],
    ] as const) {
      expect(Math.abs(measured - expected) / expected).toBeLessThan(0.002);
    }
  });

  it('knows nothing before the first value, and takes any value', () => {
    expect(new LatencyHistogram().summary().p99Ms).toBeNaN();
    const histogram = new LatencyHistogram();
    histogram.record(0);
    histogram.record(1e12);
    expect(histogram.summary().maxMs).toBeGreaterThan(1e6);
  });
});

describe('the screen', () => {
  const screenOn = (isTTY: boolean) => {
    let text = '';
    const screen = new Screen({ isTTY, columns: 20, write: (part) => (text += part) });
    return { screen, text: () => text };
  };

  it('redraws in place on a terminal, and cuts what would wrap', () => {
    const { screen, text } = screenOn(true);
    screen.update(['one', 'x'.repeat(40)]);
    screen.update(['two']);
    screen.print('done');
    expect(text()).toBe(`one\n${'x'.repeat(19)}\n\u001b[2A\r\u001b[Jtwo\n\u001b[1A\r\u001b[Jdone\n`);
  });

  it('writes a plain line every few seconds elsewhere', () => {
    const { screen, text } = screenOn(false);
    screen.update(['a', '  b'], 0);
    screen.update(['c'], 1_000);
    screen.update(['d'], 5_000);
    screen.print('done');
    expect(text()).toBe('a, b\nd\ndone\n');
  });
});
