import { describe, expect, test } from 'vitest';
import { parseSoakOptions } from '../../../faults/soak/options.ts';

const parse = (...args: string[]) => {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const exit = (code: number): never => {
    throw new Error(`exit ${code}: ${text}`);
  };
  return parseSoakOptions(args, { exit, writeOut: write, writeErr: write });
};

describe('the options of the soak', () => {
  test('are half an hour at 5,000 messages/s unless said otherwise', () => {
    expect(parse()).toMatchObject({ minutes: 30, rate: 5_000, vehicles: 1_000, leaderMoveEveryS: 30 });
  });

  test('take a seed, which is another one each time without', () => {
    expect(parse('--seed', '7').seed).toBe(7);
    expect(parse().seed).not.toBe(parse().seed);
  });

  test.each([
    ['--minutes', '0'],
    ['--rate', 'fast'],
    ['--vehicles', '1.5'],
    ['--resets', '1.1'],
    ['--seed', '-1'],
    ['--unknown'],
    ['extra'],
  ])('refuse %s %s with exit code 2', (...args) => {
    expect(() => parse(...args.filter((arg) => arg !== undefined))).toThrow('exit 2');
  });

  test('have a help that says what the exit codes mean', () => {
    expect(() => parse('--help')).toThrow(/exit 0[\s\S]*Exit codes: 0 good/);
  });
});
