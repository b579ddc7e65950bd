import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseStudyCommandLine } from '../../../bench/study/options.ts';

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}
const exit = (code: number): never => {
  throw new Exit(code);
};

describe('the command line of the study', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const parse = (...args: string[]) => parseStudyCommandLine(args, exit);
  const exitCode = (...args: string[]): number | undefined => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      parse(...args);
      return undefined;
    } catch (error) {
      return (error as Exit).code;
    }
  };

  it('studies everything on the whole grid, and judges by what must hold, when nothing is said', () => {
    expect(parse()).toEqual({
      options: {
        parts: ['latency', 'factors', 'quotient', 'throughput', 'spool'],
        seconds: 10,
        warmUpSeconds: 10,
        brokerWarmUpSeconds: 90,
        rounds: 1,
        grid: 'full',
        journalFile: undefined,
        profileDir: undefined,
      },
      thresholds: {
        maxPubackP50Ms: 10,
        maxPubackP99Ms: 50,
        maxEndToEndP95Ms: 50,
        minSaturatedPerSecond: 45_000,
        maxQuotientSpread: 1.25,
      },
      judge: true,
      jsonFile: undefined,
      chartsDir: undefined,
    });
  });

  it('takes parts in their own order, each once', () => {
    expect(parse('throughput', 'latency', 'latency').options.parts).toEqual(['latency', 'throughput']);
  });

  it('shortens a quick study, but for what is given explicitly', () => {
    expect(parse('--quick').options).toMatchObject({ seconds: 3, grid: 'axes' });
    expect(parse('--quick', '--seconds', '8', '--grid', 'full').options).toMatchObject({ seconds: 8, grid: 'full' });
  });

  it('takes files, folders and thresholds', () => {
    const line = parse('--journal', 'j', '--json', 'x', '--charts', 'c', '--min-saturated', '1', '--no-verdict');
    expect(line).toMatchObject({
      options: { journalFile: 'j' },
      thresholds: { minSaturatedPerSecond: 1 },
      judge: false,
      jsonFile: 'x',
      chartsDir: 'c',
    });
  });

  it.each([
    ['an unknown option', ['--grids', 'full']],
    ['an unknown part', ['everything']],
    ['an unknown grid', ['--grid', 'half']],
    ['a duration that is none', ['--seconds', 'ten']],
    ['half a round', ['--rounds', '0.5']],
  ])('refuses %s', (_what, args) => {
    expect(exitCode(...args)).toBe(2);
  });

  it('explains itself', () => {
    expect(exitCode('--help')).toBe(0);
  });
});
