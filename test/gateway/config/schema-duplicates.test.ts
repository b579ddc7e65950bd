import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { leastCeilingBytes } from '../../../gateway/config/memory-needs.ts';

const load = (duplicates: object) => loadConfig({ settings: { duplicates, alerts: { enabled: false } }, env: {} });

function refusals(duplicates: object): string[] {
  const loaded = load(duplicates);
  return loaded.ok ? [] : loaded.errors.map(describeConfigError);
}

function leastCeiling(duplicates: object): number {
  const loaded = load(duplicates);
  if (!loaded.ok) throw new Error('refused');
  return leastCeilingBytes(loaded.config);
}

describe('the settings about duplicates', () => {
  it('drop duplicates unless told otherwise', () => {
    const loaded = load({});
    if (!loaded.ok) throw new Error('refused');
    expect(loaded.config.duplicates).toMatchObject({ enabled: true, maxDevices: 100_000, windowSize: 1024 });
  });

  it('take a window that is a power of two only, and say so', () => {
    expect(refusals({ windowSize: 2048 })).toEqual([]);
    const [line = '', ...others] = refusals({ windowSize: 1000 });
    expect(others).toEqual([]);
    expect(line).toContain('duplicates.windowSize');
    expect(line).toContain('a power of two');
  });

  it('refuse windows that fit into no array, and say how many devices do', () => {
    const [line = ''] = refusals({ maxDevices: 1_000_000, windowSize: 65_536 });
    expect(line).toMatch(/duplicates\.maxDevices.*at most \d+ with a duplicates\.windowSize of 65536/);
    const most = Number(/at most (\d+)/.exec(line)?.[1]);
    expect(refusals({ maxDevices: most, windowSize: 65_536 })).toEqual([]);
  });

  it('are not looked at when duplicates are to be written, and need no memory then', () => {
    expect(refusals({ enabled: false, windowSize: 1000 })).toEqual([]);
    expect(leastCeiling({ enabled: false })).toBeLessThan(leastCeiling({}) - 50 * 1024 * 1024);
  });

  it('count towards the memory that the limits need', () => {
    expect(leastCeiling({ windowSize: 2048 })).toBeGreaterThanOrEqual(leastCeiling({}) + 100_000 * 512);
  });
});
