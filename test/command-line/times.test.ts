import { describe, expect, it } from 'vitest';
import { duration, timeAt } from '../../command-line/times.ts';

const now = Date.parse('2025-11-21T12:00:00Z');
const time = timeAt(now);

describe('a time on the command line', () => {
  it.each([
    ['now', now],
    ['90m', now - 90 * 60_000],
    ['1.5h', now - 90 * 60_000],
    ['7d', now - 7 * 86_400_000],
    ['2025-11-20', Date.parse('2025-11-20T00:00:00Z')],
    ['2025-11-20T10:00', Date.parse('2025-11-20T10:00:00Z')],
    ['2025-11-20 10:00:30.5', Date.parse('2025-11-20T10:00:30.500Z')],
    ['2025-11-20T10:00:00Z', Date.parse('2025-11-20T10:00:00Z')],
    ['2025-11-20T10:00:00+02:00', Date.parse('2025-11-20T08:00:00Z')],
  ])('may be %s', (text, expected) => {
    expect(time(text)).toBe(expected);
  });

  it.each(['', 'yesterday', '5', '-1h', '2025-13-40', '2025-11-20T25:00:00Z', '20.11.2025'])(
    'may not be "%s"',
    (text) => {
      expect(() => time(text)).toThrow('It must be a time');
    },
  );
});

describe('a duration', () => {
  it('is a number with its unit', () => {
    expect([duration('90s'), duration('15m'), duration('2h'), duration('1w')]).toEqual([
      90_000, 900_000, 7_200_000, 604_800_000,
    ]);
    expect(() => duration('5')).toThrow('It must be a duration');
  });
});
