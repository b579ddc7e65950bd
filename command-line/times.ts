import { InvalidArgumentError } from 'commander';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const durationPattern = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|w)$/;
/** RFC 3339, or a beginning of it: a date, hours and minutes, a fraction; a zone or none. */
const timePattern = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

const expected =
  'It must be a time such as 2025-11-21T09:00:00Z (UTC unless it names a zone), now, or 90m, 2h, 3d ago.';

/**
 * Parses the value of an option: an RFC 3339 time, `now`, or a duration, which means so long ago. Milliseconds since the
 * epoch. Throws commander's error otherwise.
 */
export const timeAt =
  (nowMs: number) =>
  (text: string): number => {
    const trimmed = text.trim();
    if (trimmed === 'now') return nowMs;
    const [, amount, unit] = durationPattern.exec(trimmed) ?? [];
    if (amount !== undefined) return nowMs - Number(amount) * (unitMs[unit ?? ''] as number);
    const match = timePattern.exec(trimmed);
    if (match === null) throw new InvalidArgumentError(expected);
    const hasTime = trimmed.length > 10;
    const time = Date.parse(`${trimmed.replace(' ', 'T')}${hasTime && match[1] === undefined ? 'Z' : ''}`);
    if (Number.isNaN(time)) throw new InvalidArgumentError(expected);
    return time;
  };

/** Parses a duration such as `90s`, `15m`, `2h`, `7d`. Milliseconds. */
export const duration = (text: string): number => {
  const [, amount, unit] = durationPattern.exec(text.trim()) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('It must be a duration such as 90s, 15m, 2h or 7d.');
  return Number(amount) * (unitMs[unit ?? ''] as number);
};
