import { describe, expect, it } from 'vitest';
import { parseDemoArguments } from '../../demo/settings.ts';

function parse(line: string) {
  const said = { out: '', err: '' };
  const settings = parseDemoArguments(
    line.split(' ').filter((word) => word !== ''),
    (text) => {
      said.out += text;
    },
    (text) => {
      said.err += text;
    },
  );
  return { settings, ...said };
}

describe('the command line of the demo', () => {
  it('needs nothing', () => {
    expect(parse('').settings).toEqual({
      seconds: 60,
      keep: false,
      vehicles: 200,
      bays: 50,
      rate: 1,
      brokers: 1,
      seed: 1,
    });
  });

  it('takes all its options', () => {
    const line = '--seconds 5 --keep --vehicles 10 --bays 2 --rate 0.5 --brokers 3 --seed 4';
    expect(parse(line).settings).toEqual({
      seconds: 5,
      keep: true,
      vehicles: 10,
      bays: 2,
      rate: 0.5,
      brokers: 3,
      seed: 4,
    });
  });

  it('shows its help', () => {
    const { settings, out } = parse('--help');
    expect(settings).toBe(0);
    expect(out).toContain('--keep');
  });

  it.each([
    ['--seconds abc', '--seconds'],
    ['--seconds 0', '--seconds'],
    ['--seconds', '--seconds'],
    ['--brokers 2', '--brokers'],
    ['--vehicles -1', '--vehicles'],
    ['--vehicles 0 --bays 0', '--vehicles'],
    ['--rate 0', '--rate'],
    ['--seed x', '--seed'],
    ['--nonsense', '--nonsense'],
    ['5', 'too many arguments'],
  ])('refuses «%s» and says what is wrong', (line, named) => {
    const { settings, err } = parse(line);
    expect(settings).toBe(2);
    expect(err).toContain(named);
    expect(err).toContain('--help');
  });
});
