import { describe, expect, it } from 'vitest';
import { drawPanel, shortNumber } from '../../../../bench/study/report/panel.ts';

describe('the labels of an axis', () => {
  it('are short', () => {
    expect([0, 2.5, 1000, 16_384, 1_048_576].map(shortNumber)).toEqual(['0', '2.5', '1000', '16.4k', '1.05M']);
  });
});

describe('a panel', () => {
  const panel = { title: 'a < b', unit: 'ms', labels: ['1', '2', '3'], top: 10 };
  const place = { x: 0, y: 0, width: 200, height: 150 };

  it('has a dot for each value that was measured', () => {
    const drawn = drawPanel({ ...panel, series: [{ name: 'p50', values: [1, undefined, 3] }] }, place).join('');
    expect(drawn.match(/<circle/g)).toHaveLength(2);
    expect(drawn).toContain('<title>p50, 3: 3</title>');
  });

  const ticksOf = (drawn: string): (string | undefined)[] =>
    [...drawn.matchAll(/text-anchor="end" class="t">([^<]*)</g)].map(([, label]) => label);

  it('has an axis from 0 to a round number that is not below the top', () => {
    expect(ticksOf(drawPanel({ ...panel, series: [], top: 61_000 }, place).join(''))).toEqual([
      ...['0', '20k', '40k', '60k', '80k'],
    ]);
    expect(ticksOf(drawPanel({ ...panel, series: [], top: 0 }, place).join('')).length).toBeGreaterThan(1);
  });

  it('has powers of ten around the values when it is logarithmic', () => {
    const series = [{ name: 'p50', values: [3, undefined, 250] }];
    expect(ticksOf(drawPanel({ ...panel, series, logarithmic: true }, place).join(''))).toEqual([
      ...['1', '10', '100', '1000'],
    ]);
  });

  it('escapes what is text', () => {
    expect(drawPanel({ ...panel, series: [] }, place).join('')).toContain('a &lt; b');
  });

  it('marks the default', () => {
    const marked = (index: number): boolean =>
      drawPanel({ ...panel, series: [], marked: index }, place)
        .join('')
        .includes('class="m"');
    expect(marked(1)).toBe(true);
    expect(marked(-1)).toBe(false);
  });
});
