import { linearScale, logarithmicScale, type Scale } from '../../../faults/report/scale.ts';
import { dot, line, polyline, textAt } from './svg.ts';

/** One line of a panel: a value for each label of the x axis; undefined where nothing was measured. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface Panel {
  readonly title: string;
  /** Unit of the values, shown over the axis. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  /** Upper end of the y axis, which begins at 0; with `logarithmic` both ends are powers of ten around the values. */
  readonly top: number;
  readonly logarithmic?: boolean;
  /** Index of the label that is marked as the default. */
  readonly marked?: number | undefined;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Around the plot: axis labels on the left, title and unit above, x labels below. */
const margin = { left: 44, right: 12, top: 36, bottom: 22 };
const dotRadius = 3.5;

/** Draws a panel: grid, axis labels, one line with dots per series. */
export const drawPanel = (panel: Panel, { x, y, width, height }: Place): string[] => {
  const plot = {
    left: x + margin.left,
    right: x + width - margin.right,
    top: y + margin.top,
    bottom: y + height - margin.bottom,
  };
  const { ticks, place: yOf } = yScale(panel, plot.bottom, plot.top);
  const step = (plot.right - plot.left) / panel.labels.length;
  const xOf = (index: number): number => plot.left + (index + 0.5) * step;
  const { marked } = panel;
  return [
    textAt(x, y + 13, panel.title, 'start', 'h'),
    textAt(x, y + 28, panel.unit, 'start', 't'),
    ...ticks.flatMap((tick) => [
      line(plot.left, yOf(tick), plot.right, yOf(tick), 'g'),
      textAt(plot.left - 6, yOf(tick) + 4, shortNumber(tick), 'end', 't'),
    ]),
    ...(marked === undefined || marked < 0 ? [] : [line(xOf(marked), plot.top, xOf(marked), plot.bottom, 'm')]),
    ...panel.labels.map((label, index) => textAt(xOf(index), plot.bottom + 15, label, 'middle', 't')),
    ...panel.series.flatMap(({ name, values }, number) => {
      const points = values.flatMap((value, index) => (value === undefined ? [] : [{ index, value }]));
      if (points.length === 0) return [];
      const at = points.map(({ index, value }) => [xOf(index), yOf(value)] as const);
      return [
        polyline(at, `l${number}`),
        ...points.map(({ index, value }) =>
          dot(
            xOf(index),
            yOf(value),
            dotRadius,
            `d${number}`,
            `${name}, ${panel.labels[index]}: ${shortNumber(value)}`,
          ),
        ),
      ];
    }),
  ];
};

/** The names of series beside their dots, in a row. */
export const drawLegend = (names: readonly string[], x: number, y: number): string[] => {
  let at = x;
  return names.flatMap((name, number) => {
    const parts = [dot(at + 4, y - 4, 4, `d${number}`, name), textAt(at + 13, y, name)];
    at += 34 + name.length * 6.6;
    return parts;
  });
};

/** A linear axis begins at 0; a logarithmic one holds 1 to 10 in any case. */
const yScale = ({ logarithmic, series, top }: Panel, from: number, to: number): Scale => {
  if (!logarithmic) return linearScale(0, top, from, to);
  const positive = series
    .flatMap(({ values }) => values)
    .filter((value): value is number => value !== undefined && value > 0);
  return logarithmicScale(Math.min(1, ...positive), Math.max(10, ...positive), from, to);
};

/** Three digits at most: 12k, 1.25, 0.5. */
export const shortNumber = (value: number): string => {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
};
