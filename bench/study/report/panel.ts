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
  const axis = panel.logarithmic ? logarithmicAxis(valuesOf(panel)) : linearAxis(panel.top);
  const yOf = (value: number): number => plot.bottom - axis.share(value) * (plot.bottom - plot.top);
  const step = (plot.right - plot.left) / panel.labels.length;
  const xOf = (index: number): number => plot.left + (index + 0.5) * step;
  const { marked } = panel;
  return [
    textAt(x, y + 13, panel.title, 'start', 'h'),
    textAt(x, y + 28, panel.unit, 'start', 't'),
    ...axis.ticks.flatMap((tick) => [
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

/** Where values lie on an axis: 0 at its lower end, 1 at its upper. */
interface Axis {
  readonly ticks: readonly number[];
  share(value: number): number;
}

const valuesOf = (panel: Panel): number[] =>
  panel.series.flatMap(({ values }) => values.filter((value) => value !== undefined));

const wantedTicks = 4;

export const linearAxis = (top: number): Axis => {
  const step = niceStep((top > 0 ? top : 1) / wantedTicks);
  const end = Math.max(1, Math.ceil(top / step - 1e-9)) * step;
  const count = Math.round(end / step);
  return { ticks: Array.from({ length: count + 1 }, (_, index) => index * step), share: (value) => value / end };
};

/** The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not below `least`. */
const niceStep = (least: number): number => {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10) * power;
};

export const logarithmicAxis = (values: readonly number[]): Axis => {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive, 1)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive, 10))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    share: (value) => Math.max(0, (Math.log10(Math.max(value, Number.MIN_VALUE)) - low) / (high - low)),
  };
};

/** Three digits at most: 12k, 1.25, 0.5. */
export const shortNumber = (value: number): string => {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
};
