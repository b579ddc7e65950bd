import { describe, expect, test } from 'vitest';
import { type ChartSeries, timeChart } from '../../../faults/report/time-chart.ts';

const chart = (series: readonly ChartSeries[], more = {}) => timeChart({ title: 'Rate', unit: '1/s', series, ...more });

describe('timeChart', () => {
  test('draws one path for a series', () => {
    const svg = chart([
      {
        name: 'sent',
        points: [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
      },
    ]);
    expect(svg.match(/<path/g)).toHaveLength(1);
    expect(svg).toContain('>sent</text>');
  });

  test('interrupts the line where nothing is known', () => {
    const svg = chart([
      {
        name: 'latency',
        points: [
          [0, 1],
          [1, 2],
          [2, Number.NaN],
          [3, 4],
          [4, 5],
        ],
      },
    ]);
    expect(/ d="([^"]*)"/.exec(svg)?.[1]?.match(/M/g)).toHaveLength(2);
  });

  test('says in the picture what happened when', () => {
    const svg = chart(
      [
        {
          name: 'sent',
          points: [
            [0, 1],
            [90, 2],
          ],
        },
      ],
      {
        marks: [{ atS: 30, label: 'leader 1 <killed>' }],
        spans: [{ fromS: 0, toS: 20, label: 'warm-up' }],
      },
    );
    expect(svg).toContain('leader 1 &lt;killed&gt;');
    expect(svg).toContain('warm-up');
    expect(svg).not.toContain('<killed>');
  });

  test('thins out what no screen could show, and keeps the last point', () => {
    const points = Array.from({ length: 10_000 }, (_, second) => [second, 5] as const);
    expect(chart([{ name: 'sent', points }]).length).toBeLessThan(30_000);
  });

  test('is a picture also without any point', () => {
    const svg = chart([{ name: 'sent', points: [] }]);
    expect(svg).toContain('</svg>');
    expect(svg).not.toContain('NaN');
    expect(svg).not.toContain('Infinity');
  });
});
