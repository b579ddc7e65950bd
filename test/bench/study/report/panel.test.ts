import { describe, expect, it } from 'vitest';
import { drawPanel, linearAxis, logarithmicAxis, shortNumber } from '../../../../bench/study/report/panel.ts';

describe('the axis of a chart', () => {
  it('has round ticks up to a round number that is not below the largest value', () => {
    expect(linearAxis(9).ticks).toEqual([0, 2.5, 5, 7.5, 10]);
    expect(linearAxis(61_000).ticks).toEqual([0, 20_000, 40_000, 60_000, 80_000]);
    expect(linearAxis(0).ticks.at(-1)).toBeGreaterThan(0);
  });

  it('has powers of ten around the values when it is logarithmic', () => {
    const axis = logarithmicAxis([3, 250]);
    expect(axis.ticks).toEqual([1, 10, 100, 1000]);
    expect(axis.share(1)).toBe(0);
    expect(axis.share(1000)).toBe(1);
    expect(axis.share(10)).toBeCloseTo(1 / 3);
  });

  it('has short labels', () => {
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
