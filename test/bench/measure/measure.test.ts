import { describe, expect, it } from 'vitest';
import { median } from '../../../bench/measure/median.ts';
import { openFilesShortage } from '../../../bench/measure/open-files.ts';
import { parseCoreList, pinned } from '../../../bench/measure/placement.ts';
import {
  coreTicks,
  parseCoreTicks,
  parsePsTimeUs,
  parseStatCpuUs,
  processCpuUs,
  residentBytes,
} from '../../../bench/measure/processes.ts';
import { resourcesBetween } from '../../../bench/measure/resources.ts';

describe('the CPU time of a process', () => {
  it('is user and system time, also when the name of the process holds spaces and brackets', () => {
    const stat = '42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 150 25 7 8 20 0 11 0 12345 1000 200';
    expect(parseStatCpuUs(stat)).toBe(1_750_000);
  });

  it.each([
    ['0:01.23', 1_230_000],
    ['01:02:03', 3_723_000_000],
    ['1-00:00:01', 86_401_000_000],
  ])('is read from ps as %s', (text, us) => {
    expect(parsePsTimeUs(`  ${text}\n`)).toBeCloseTo(us, 0);
  });

  it('and its memory can be read of this very process', () => {
    expect(processCpuUs(process.pid)).toBeGreaterThan(0);
    expect(residentBytes(process.pid)).toBeGreaterThan(1_000_000);
  });
});

describe('the use of a core', () => {
  const stat = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 10 0 5 80 3 0 1 1 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\nintr 1\n';

  it('is read from its own line', () => {
    expect(parseCoreTicks(stat, 0)).toEqual({ total: 100, idle: 83, stolen: 1 });
    expect(parseCoreTicks(stat, 2)).toBeUndefined();
  });

  it('is unknown where the platform does not tell', () => {
    if (process.platform === 'linux') expect(coreTicks(0)).toMatchObject({ total: expect.any(Number) });
    else expect(coreTicks(0)).toBeUndefined();
  });

  it('is a share of the time between two readings', () => {
    const before = { serverCpuUs: 0, loadCpuUs: 0, serverCore: undefined, loadCore: { total: 0, idle: 0, stolen: 0 } };
    const after = {
      serverCpuUs: 900_000,
      loadCpuUs: 500_000,
      serverCore: undefined,
      loadCore: { total: 100, idle: 25, stolen: 0 },
    };
    expect(resourcesBetween(before, after, 1000)).toEqual({
      serverCpuUs: 900_000,
      serverShare: 0.9,
      loadShare: 0.5,
      loadCoreShare: 0.75,
      serverCoreShare: undefined,
      stolenShare: 0,
    });
  });
});

describe('placing processes', () => {
  it('reads the list of cores that taskset prints', () => {
    expect(parseCoreList(' 0,2-4,7\n')).toEqual([0, 2, 3, 4, 7]);
  });

  it('pins a command, or leaves it alone where nothing can be pinned', () => {
    expect(pinned([1, 2], ['node', 'x.ts'])).toEqual(['taskset', '-c', '1,2', 'node', 'x.ts']);
    expect(pinned([], ['node', 'x.ts'])).toEqual(['node', 'x.ts']);
  });
});

describe('a median', () => {
  it('is the middle, the mean of the two in the middle, or nothing', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeUndefined();
  });
});

describe('the limit on open files', () => {
  it('stands in the way of more connections than a process may ever have, and not of a few', () => {
    expect(openFilesShortage(1)).toBeUndefined();
    const huge = openFilesShortage(2 ** 40);
    if (huge !== undefined) expect(huge).toContain('ulimit');
  });
});
