import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../bench/report/result.ts';
import { renderReport } from '../../../bench/report/table.ts';
import { defaultThresholds, shortfalls } from '../../../bench/report/verdict.ts';
import { warningsOf } from '../../../bench/report/warnings.ts';
import { figures, measurements, nothing } from './samples.ts';

describe('the result of a run', () => {
  it('holds the medians of the rounds and their ratios', () => {
    expect(resultOf(measurements())).toEqual({
      limit: { cpuUsPerMessage: 6.6, ackedPerSecond: 100_000 },
      baseline: { cpuUsPerMessage: 28, ackedPerSecond: 35_000 },
      gateway: { cpuUsPerMessage: 9.95, ackedPerSecond: 100_000, pubackP99Ms: 21.46, bytesPerIdleConnection: 12_000 },
      full: { cpuUsPerMessage: 11, ackedPerSecond: 80_000 },
      ratioToLimit: 1.508,
      ratioToBaseline: 0.355,
      ratioFullToLimit: 1.667,
    });
  });

  it('says null for what was not measured', () => {
    expect(resultOf(nothing)).toEqual({
      limit: null,
      baseline: null,
      gateway: null,
      full: null,
      ratioToLimit: null,
      ratioToBaseline: null,
      ratioFullToLimit: null,
    });
    expect(resultOf({ ...nothing, rate: measurements().rate }).gateway).toEqual({
      cpuUsPerMessage: null,
      ackedPerSecond: null,
      pubackP99Ms: 21.46,
      bytesPerIdleConnection: null,
    });
  });
});

describe('the verdict', () => {
  const good = resultOf(measurements());
  const judged = (overrides: object) => shortfalls({ ...good, ...overrides }, defaultThresholds);

  it('finds nothing wrong with a good run, nor with figures exactly at their limits', () => {
    expect(judged({})).toEqual([]);
    const gateway = { ...good.gateway, pubackP99Ms: 100, bytesPerIdleConnection: 16_384 };
    expect(judged({ ratioToLimit: 1.7, ratioToBaseline: 0.5, gateway })).toEqual([]);
  });

  it.each([
    ['the limit', { ratioToLimit: 1.701 }, 'gateway ÷ limit: 1.701, allowed 1.7'],
    ['the baseline', { ratioToBaseline: 0.51 }, 'gateway ÷ baseline: 0.51, allowed 0.5'],
    ['all that is switched on', { ratioFullToLimit: 1.701 }, 'everything on ÷ limit: 1.701, allowed 1.7'],
    ['memory', { gateway: { ...good.gateway, bytesPerIdleConnection: 16_385 } }, '16385, allowed 16384'],
    ['latency', { gateway: { ...good.gateway, pubackP99Ms: 100.01 } }, '100.01, allowed 100'],
    ['figures that make no sense', { ratioToLimit: Number.NaN }, 'NaN'],
  ])('is bad because of %s', (_what, overrides, line) => {
    expect(judged(overrides)).toEqual([expect.stringContaining(line)]);
  });

  it('does not judge what was not measured', () => {
    expect(shortfalls(resultOf(nothing), defaultThresholds)).toEqual([]);
  });
});

describe('the notes on a run', () => {
  it('are none when nothing is odd', () => {
    expect(warningsOf(measurements())).toEqual([]);
  });

  it('say when the load was the bottleneck, and not when the server was full too', () => {
    const loadBound = figures({ loadCoreShare: 0.97, serverShare: 0.8 });
    const bothFull = figures({ loadCoreShare: 0.97, serverShare: 0.96 });
    expect(warningsOf({ ...nothing, limit: [loadBound, bothFull] })).toEqual([
      expect.stringMatching(/^limit: in 1 of 2 rounds the load's core was the bottleneck/),
    ]);
  });

  it('say when another guest of the machine, or the rounds themselves, make the figures doubtful', () => {
    expect(warningsOf({ ...nothing, gateway: [figures({ stolenShare: 0.05 })] })).toEqual([
      expect.stringContaining('hypervisor'),
    ]);
    const busy = { ...figures({ foreignShare: 0.3 }), askedPerSecond: 10_000, connections: 2000 };
    expect(warningsOf({ ...nothing, rate: busy })).toEqual([expect.stringContaining('other programs took up to 30 %')]);
    const uneven = [figures({ cpuUsPerMessage: 10 }), figures({ cpuUsPerMessage: 13 })];
    expect(warningsOf({ ...nothing, baseline: uneven })).toEqual([expect.stringContaining('10.0, 13.0 µs')]);
  });

  it('say when the fixed rate was not kept', () => {
    const rate = { ...figures({ ackedPerSecond: 9000 }), askedPerSecond: 10_000, connections: 2000 };
    expect(warningsOf({ ...nothing, rate })).toEqual([expect.stringContaining('9000/s')]);
  });
});

describe('the table', () => {
  it('has a row for each server and load, and a line for each ratio', () => {
    const run = measurements();
    const text = renderReport(run, resultOf(run));
    for (const part of ['limit, one publish per read', 'baseline', 'gateway at 10000/s', '÷ limit: 1.508']) {
      expect(text).toContain(part);
    }
  });

  it('shows what alerts cost beside how many there were', () => {
    const run = measurements();
    expect(renderReport(run, resultOf(run))).toMatch(
      /everything on − gateway: 1\.1 µs per message for 5 alert rules with 10,000 geofences.* 12\.3 alerts per 1,000/,
    );
  });

  it('leaves out what was not measured', () => {
    expect(renderReport(nothing, resultOf(nothing)).trim()).toBe('');
  });
});
