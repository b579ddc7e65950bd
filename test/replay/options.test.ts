import { describe, expect, it } from 'vitest';
import { parseReplayOptions, type ReplayOptions } from '../../replay/options.ts';

const now = Date.parse('2025-11-21T12:00:00Z');

class Ended extends Error {}

function parse(...args: readonly string[]): ReplayOptions | { code: number; said: string } {
  let said = '';
  let code = -1;
  const exit = (given: number): never => {
    code = given;
    throw new Ended();
  };
  const write = (text: string): void => {
    said += text;
  };
  try {
    return parseReplayOptions(args, { exit, writeOut: write, writeErr: write }, now);
  } catch (error) {
    if (error instanceof Ended) return { code, said };
    throw error;
  }
}

const least = ['--topic', 'a', '--to-topic', 'b', '--from', '2h'];

describe('the arguments of npm run replay', () => {
  it('mean absolute times, from which the name of the file of progress does not follow', () => {
    const options = parse(...least, '--to', '1h') as ReplayOptions;
    expect(options).toMatchObject({ fromMs: now - 7_200_000, toMs: now - 3_600_000, rate: Number.POSITIVE_INFINITY });
    expect(options.progressFile).toMatch(/^replay-[0-9a-f]{12}\.json$/);
    expect((parse(...least) as ReplayOptions).progressFile).not.toBe(options.progressFile);
  });

  it.each([
    [['--topic', 'a', '--to-topic', 'b'], '--from'],
    [[...least, '--to', '3h'], 'later'],
    [['--topic', 'a', '--to-topic', 'a', '--from', '1h'], '--allow-same-topic'],
    [[...least, '--rate', '0'], 'above 0'],
    [[...least, '--what'], 'unknown option'],
    [[...least, 'more'], 'too many arguments'],
    [[...least, '--kafka', 'nowhere'], 'host:port'],
  ])('are refused when unusable: %j', (args, said) => {
    expect(parse(...args)).toMatchObject({ code: 2, said: expect.stringContaining(said) as string });
  });

  it('may ask for help', () => {
    expect(parse('--help')).toMatchObject({ code: 0, said: expect.stringContaining('--vehicle <id>') as string });
  });
});
