import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadinessWatch } from '../../gateway/readiness-watch.ts';
import { Captured } from './observability/captured.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the log of readiness', () => {
  it('has one line for each turn, and none once the watch has ended', () => {
    const captured = new Captured();
    const { lifecycle } = captured.observability;
    let reasons = ['starting'];
    const watch = new ReadinessWatch(
      () => ({ ready: reasons.length === 0, reasons }),
      (readiness) => lifecycle.readinessChanged(readiness.ready, readiness.reasons),
    );
    const become = (next: string[]) => {
      reasons = next;
      vi.advanceTimersByTime(3000);
    };
    watch.start();
    become(['starting']);
    become([]);
    become(['kafka_unreachable']);
    lifecycle.draining('SIGTERM', 1000);
    become(['draining', 'kafka_unreachable']);
    watch.stop();
    become([]);
    const turns = captured.lines.filter(({ event }) => event === 'gateway_readiness_changed');
    expect(turns).toMatchObject([
      { level: 'info', ready: true, reasons: [] },
      { level: 'warn', ready: false, reasons: ['kafka_unreachable'] },
      { level: 'info', ready: false, reasons: ['draining', 'kafka_unreachable'] },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
