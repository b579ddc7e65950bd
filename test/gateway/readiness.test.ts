import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadinessConditions } from '../../gateway/readiness.ts';
import { Captured } from './observability/captured.ts';

/** A list with a clock that the test moves. */
function listOf(recoverAfterMs: number) {
  const clock = { ms: 1000 };
  const list = new ReadinessConditions({ recoverAfterMs, changed: () => {}, monotonicMs: () => clock.ms });
  const later = (ms: number) => {
    clock.ms += ms;
    return list.current().reasons;
  };
  return { list, later };
}

describe('a condition', () => {
  it('counts at once, and no longer once it has been over for the time to recover', () => {
    const { list, later } = listOf(5000);
    let down = true;
    list.add({ reason: 'kafka_unreachable', holds: () => down });
    expect(list.current()).toEqual({ ready: false, reasons: ['kafka_unreachable'] });
    down = false;
    expect(later(4999)).toEqual(['kafka_unreachable']);
    expect(later(4999)).toEqual(['kafka_unreachable']);
    expect(later(1)).toEqual([]);
  });

  it('begins the time to recover anew when it comes back in between', () => {
    const { list, later } = listOf(5000);
    let down = true;
    list.add({ reason: 'kafka_unreachable', holds: () => down });
    down = false;
    later(4000);
    down = true;
    later(10);
    down = false;
    later(0);
    expect(later(4000)).toEqual(['kafka_unreachable']);
    expect(later(1000)).toEqual([]);
  });

  it('that must last counts only when it has lasted', () => {
    const { list, later } = listOf(0);
    let high = true;
    list.add({ reason: 'overloaded', holds: () => high, afterMs: 3000 });
    expect(later(2999)).toEqual([]);
    expect(later(1)).toEqual(['overloaded']);
    high = false;
    expect(later(1)).toEqual([]);
    high = true;
    expect(later(1)).toEqual([]);
  });

  /** Whether a condition that must last 3 s ever counts within a minute in which it holds and ceases to in turn. */
  const countsWhenFluttering = (heldMs: number, goodMs: number): boolean => {
    const { list, later } = listOf(0);
    let high = true;
    list.add({ reason: 'overloaded', holds: () => high, afterMs: 3000 });
    for (let ms = 0; ms < 60_000; ms += 250) {
      high = ms % (heldMs + goodMs) < heldMs;
      if (later(250).length > 0) return true;
    }
    return false;
  };

  it('that must last counts also when it keeps coming back, if it holds most of the time', () => {
    expect(countsWhenFluttering(1500, 500)).toBe(true);
    expect(countsWhenFluttering(500, 1500)).toBe(false);
  });

  it('may recover in a time of its own', () => {
    const { list, later } = listOf(5000);
    let starting = true;
    list.add({ reason: 'starting', holds: () => starting, recoverAfterMs: 0 });
    expect(later(0)).toEqual(['starting']);
    starting = false;
    expect(later(0)).toEqual([]);
  });

  it('is one among others: all that count are named, and all are exported', () => {
    const { list } = listOf(0);
    list.add({ reason: 'a', holds: () => true }, { reason: 'b', holds: () => false });
    list.add({ reason: 'c', holds: () => true });
    expect(list.current()).toEqual({ ready: false, reasons: ['a', 'c'] });
    expect([...list.states()]).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ]);
  });
});

describe('the log of readiness', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('has one line for each turn, and none once the list is no longer watched', () => {
    const captured = new Captured();
    const { lifecycle } = captured.observability;
    const holding = new Set(['starting']);
    const list = new ReadinessConditions({
      recoverAfterMs: 0,
      changed: ({ ready, reasons }) => lifecycle.readinessChanged(ready, reasons),
    });
    for (const reason of ['draining', 'kafka_unreachable', 'starting']) {
      list.add({ reason, holds: () => holding.has(reason) });
    }
    const become = (...reasons: string[]) => {
      holding.clear();
      for (const reason of reasons) holding.add(reason);
      vi.advanceTimersByTime(3000);
    };
    list.start();
    become('starting');
    become();
    become('kafka_unreachable');
    lifecycle.draining('SIGTERM', 1000);
    become('draining', 'kafka_unreachable');
    list.stop();
    become();
    const turns = captured.lines.filter(({ event }) => event === 'gateway_readiness_changed');
    expect(turns).toMatchObject([
      { level: 'info', ready: true, reasons: [] },
      { level: 'warn', ready: false, reasons: ['kafka_unreachable'] },
      { level: 'info', ready: false, reasons: ['draining', 'kafka_unreachable'] },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the metrics of readiness', () => {
  it('are edge_ready, and edge_not_ready by reason', async () => {
    const { observability } = new Captured();
    const list = new ReadinessConditions({ recoverAfterMs: 0, changed: () => {} });
    let down = true;
    list.add({ reason: 'kafka_unreachable', holds: () => down }, { reason: 'draining', holds: () => false });
    observability.watchReadiness(() => list.states());
    const before = await observability.metricsText();
    expect(before).toContain('\nedge_ready 0\n');
    expect(before).toContain('edge_not_ready{reason="kafka_unreachable"} 1\n');
    expect(before).toContain('edge_not_ready{reason="draining"} 0\n');
    down = false;
    const after = await observability.metricsText();
    expect(after).toContain('\nedge_ready 1\n');
    expect(after).toContain('edge_not_ready{reason="kafka_unreachable"} 0\n');
  });
});
