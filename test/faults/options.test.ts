import { describe, expect, it } from 'vitest';
import { parseFaultOptions } from '../../faults/options.ts';

const known = [{ name: 'none' }, { name: 'gateway-kill', longOnly: true }, { name: 'leader-kill' }] as const;
const names = known.map(({ name }) => name);

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

function parse(...args: string[]) {
  const printed: string[] = [];
  const write = (text: string) => void printed.push(text);
  try {
    const exit = (code: number): never => {
      throw new Exit(code);
    };
    return { options: parseFaultOptions(args, known, { exit, writeOut: write, writeErr: write }), printed };
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    return { exitCode: error.code, printed: printed.join('') };
  }
}

describe('the arguments of npm run faults', () => {
  it('means all scenarios in the long form, once, with a seed of its own, when none is given', () => {
    const { options } = parse();
    expect(options).toMatchObject({
      ...{ scenarios: names, repeat: 1, short: false, mutants: false, allowNotRun: false, list: false },
      ...{ seconds: undefined, htmlFile: undefined },
    });
    expect(options?.seed).toBeGreaterThanOrEqual(0);
    expect(Number.isInteger(options?.seed)).toBe(true);
  });

  it('takes several scenarios, each once, in the order given', () => {
    expect(parse('--scenario', 'leader-kill', 'none', 'leader-kill').options?.scenarios).toEqual([
      'leader-kill',
      'none',
    ]);
  });

  it('takes `all` for every scenario, also beside names', () => {
    expect(parse('--scenario', 'none', 'all').options?.scenarios).toEqual(names);
  });

  it('leaves out of `all`, in the short form, what takes minutes in any form; by its name it can be run', () => {
    expect(parse('--short').options?.scenarios).toEqual(['none', 'leader-kill']);
    expect(parse('--short', '--scenario', 'gateway-kill').options?.scenarios).toEqual(['gateway-kill']);
  });

  it('takes seconds, seed, repeat, form, mutants, what may be left out, and report', () => {
    const args = '--seconds 2.5 --seed 0 --repeat 3 --short --mutants --allow-not-run --html report.html';
    expect(parse(...args.split(' ')).options).toMatchObject({
      ...{ seconds: 2.5, seed: 0, repeat: 3, short: true, mutants: true, allowNotRun: true },
      htmlFile: 'report.html',
    });
  });

  it.each([
    [['--scenario', 'earthquake'], 'Allowed choices are all, none, gateway-kill, leader-kill'],
    [['--seconds', '0'], 'above 0'],
    [['--seconds', 'ten'], 'above 0'],
    [['--repeat', '1.5'], 'whole number'],
    [['--seed', '-1'], 'from 0 to 4294967295'],
    [['--seed', '4294967296'], 'from 0 to 4294967295'],
    [['--fast'], "unknown option '--fast'"],
    [['none'], 'too many arguments'],
  ])('refuses %j with exit code 2 and says why', (args, why) => {
    const { exitCode, printed } = parse(...args);
    expect(exitCode).toBe(2);
    expect(printed).toContain(why);
  });

  it('prints help with its exit codes, and ends with 0', () => {
    const { exitCode, printed } = parse('--help');
    expect(exitCode).toBe(0);
    expect(printed).toContain('--scenario <name...>');
    expect(printed).toContain('Exit codes');
  });
});
