import { describe, expect, it } from 'vitest';
import { count, largestSeed, positive, seed, share } from '../../command-line/numbers.ts';

describe('the number of an option', () => {
  it.each([
    ['positive', positive, ['0.5', '7'], ['0', '-1', '', ' ', 'x', 'Infinity', 'NaN']],
    ['count', count, ['1', '7'], ['0', '0.5', '-1', '', 'x']],
    ['share', share, ['0', '0.25', '1'], ['-0.1', '1.1', '', 'x', 'NaN']],
    ['seed', seed, ['0', String(largestSeed)], ['-1', '1.5', '', 'x', '1e3', String(largestSeed + 1)]],
  ])('%s is taken when it is one, and refused when it is not', (_name, parse, taken, refused) => {
    for (const text of taken) expect(parse(text)).toBe(Number(text));
    for (const text of refused) expect(() => parse(text), JSON.stringify(text)).toThrow(/^It must be /);
  });
});
