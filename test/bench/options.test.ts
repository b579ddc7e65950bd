import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseCommandLine } from '../../bench/options.ts';

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

describe('the command line of the benchmark', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const parse = (...args: string[]) => parseCommandLine(args, exit);
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

  it('measures everything under the load of the design when nothing is said', () => {
    expect(parse()).toMatchObject({
      options: {
        connections: 500,
        inFlight: 4,
        rate: 10_000,
        rateConnections: 2000,
        idleConnections: 5000,
        only: ['limit', 'baseline', 'gateway', 'full', 'rate', 'idle'],
      },
      thresholds: {
        maxRatioToLimit: 1.7,
        maxRatioToBaseline: 0.5,
        maxRatioFullToLimit: 1.7,
        maxIdleBytes: 16_384,
        maxPubackP99Ms: 100,
      },
      judge: true,
    });
  });

  it('shortens a quick run, but for what is given explicitly', () => {
    expect(parse('--quick').options).toMatchObject({ rounds: 1, seconds: 3 });
    expect(parse('--quick', '--seconds', '0.5').options).toMatchObject({ rounds: 1, seconds: 0.5 });
  });

  it('takes parts, thresholds and a file', () => {
    const limits = ['--max-ratio-to-limit', '2', '--max-full-ratio-to-limit', '3'];
    const line = parse('--only', 'limit', 'gateway', ...limits, '--no-verdict', '--json', 'x.json');
    expect(line).toMatchObject({
      options: { only: ['limit', 'gateway'] },
      thresholds: { maxRatioToLimit: 2, maxRatioFullToLimit: 3 },
      judge: false,
      jsonFile: 'x.json',
    });
  });

  it.each([
    ['an unknown option', ['--conections', '5']],
    ['an unknown part', ['--only', 'everything']],
    ['something left over', ['gateway']],
    ['a duration that is none', ['--seconds', 'ten']],
    ['half a connection', ['--connections', '0.5']],
    ['more in flight than there are packet identifiers', ['--in-flight', '65536']],
  ])('refuses %s', (_what, args) => {
    expect(exitCode(...args)).toBe(2);
  });

  it('explains itself', () => {
    expect(exitCode('--help')).toBe(0);
  });
});
