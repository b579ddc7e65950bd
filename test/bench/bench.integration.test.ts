import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchResult } from '../../bench/report/result.ts';

const main = join(import.meta.dirname, '../../bench/main.ts');

const bench = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

/** Small enough to say nothing about speed: only that everything is measured, checked and reported. */
const small =
  '--seconds 0.5 --warm-up 0.5 --rounds 1 --connections 10 --rate 200 --rate-connections 10 --idle-connections 50';

describe('npm run bench', () => {
  it('measures all parts against real servers and ends with one line of JSON', async () => {
    const { code, stdout, stderr } = await bench(...small.split(' '), '--no-verdict');
    expect(stderr).toBe('');
    // Without a verdict on figures, what is left to be bad are publishes that were lost or never acknowledged.
    expect(code, stdout).toBe(0);
    const result = JSON.parse(lastLine(stdout)) as BenchResult;
    const figure = expect.any(Number);
    expect(result).toEqual({
      limit: { cpuUsPerMessage: figure, ackedPerSecond: figure },
      baseline: { cpuUsPerMessage: figure, ackedPerSecond: figure },
      gateway: { cpuUsPerMessage: figure, ackedPerSecond: figure, pubackP99Ms: figure, bytesPerIdleConnection: figure },
      full: { cpuUsPerMessage: figure, ackedPerSecond: figure },
      ratioToLimit: figure,
      ratioToBaseline: figure,
      ratioFullToLimit: figure,
    });
  });

  it('ends with exit code 1 when a figure is worse than allowed', async () => {
    const args = [...small.split(' '), '--only', 'rate', '--max-p99-ms', '0.001'];
    const { code, stdout } = await bench(...args);
    expect(code).toBe(1);
    expect(stdout).toContain('BAD: PUBACK p99');
    expect(JSON.parse(lastLine(stdout))).toMatchObject({ limit: null, gateway: { pubackP99Ms: expect.any(Number) } });
  });

  it('refuses what it does not know', async () => {
    const { code, stderr } = await bench('--fast');
    expect(code).toBe(2);
    expect(stderr).toContain('--fast');
  });
});
