import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutants } from '../../faults/mutants/mutants.ts';
import type { MatrixFigures } from '../../faults/result.ts';
import { scenarios } from '../../faults/scenarios/scenarios.ts';

const main = join(import.meta.dirname, '../../faults/main.ts');

const faults = (...args: string[]): Promise<{ code: unknown; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, output: `${stderr}${stdout}` }),
    );
    // It takes minutes: whoever watches wants to see that it moves.
    child.stdout?.on('data', (text: string) => process.stdout.write(text));
  });

describe('npm run faults -- --scenario all --short --mutants', () => {
  it('loses nothing under any fault, and turns red on every mutant', async () => {
    const { code, output } = await faults('--scenario', 'all', '--short', '--mutants');
    const figures = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as MatrixFigures;
    const demanded = scenarios.filter(({ longOnly }) => longOnly === undefined);
    expect(figures, output).toMatchObject({ lost: 0, phantom: 0, outOfOrder: 0, split: 0 });
    expect(figures).toMatchObject({ mutantsCaught: mutants.length, mutants: mutants.length });
    expect(figures.notRun, output).toBeUndefined();
    expect(figures.scenarios).toBe(demanded.length);
    expect(figures.acked).toBeGreaterThan(1000 * demanded.length);
    expect(figures.duplicated).toBeLessThanOrEqual(figures.duplicateBound);
    expect(code, output).toBe(0);
  });
});
