import { escapeHtml } from './html-page.ts';
import { linearScale, logarithmicScale, type Scale, timeScale } from './scale.ts';

export interface ChartSeries {
  readonly name: string;
  /** Seconds and value, in the order of time. A value that is not finite interrupts the line. */
  readonly points: readonly (readonly [atS: number, value: number])[];
  /** `line` unless given; `fit` is dashed and drawn on top; `dots` are single points. */
  readonly style?: 'line' | 'fit' | 'dots';
}

export interface TimeChart {
  readonly title: string;
  /** Written at the values, e.g. `MB` or `1/s`. */
  readonly unit: string;
  readonly series: readonly ChartSeries[];
  /** Moments: a thin line with a label. */
  readonly marks?: readonly { readonly atS: number; readonly label: string }[];
  /** False: the labels of marks are tooltips only, because another chart over the same time shows them. */
  readonly markLabels?: boolean;
  /** Stretches of time: a grey ground with a label. */
  readonly spans?: readonly { readonly fromS: number; readonly toS: number; readonly label: string }[];
  readonly logarithmic?: boolean;
  /** The axis begins at 0 unless given (and unless it is logarithmic). */
  readonly lowest?: number;
  /** Of the picture, in its own units, of which it is 960 wide; 260 unless given. */
  readonly height?: number;
}

const width = 960;
const defaultHeight = 260;
const plot = { left: 70, right: 940, top: 34 } as const;
/** Below the plot: the times, then the names of the series. */
const footHeight = 44;
/** Where the page says so, in its colours for light or dark. */
const ink = { soft: 'var(--soft, #5a6476)', grid: 'var(--grid, #e3e7ee)', ground: 'var(--ground, #f0f2f6)' } as const;
/** Distinguishable also without red and green (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
/** More points than the picture has columns only make the file larger. */
const mostPoints = 900;
const labelWidth = 15;

/** Draws figures over time as an SVG element that can stand in a page of HTML. */
export function timeChart(chart: TimeChart): string {
  const points = chart.series.flatMap((series) => series.points);
  const times = [
    ...points.map(([atS]) => atS),
    ...(chart.marks ?? []).map(({ atS }) => atS),
    ...(chart.spans ?? []).flatMap(({ fromS, toS }) => [fromS, toS]),
  ];
  const x = timeScale(Math.min(0, least(times)), most(times), plot.left, plot.right);
  const height = chart.height ?? defaultHeight;
  const bottom = height - footHeight;
  const y = valueScale(chart, points.map(([, value]) => value).filter(Number.isFinite), bottom);
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}" font-family="system-ui, sans-serif" font-size="11">`,
    `<text x="${plot.left}" y="14" font-size="13" font-weight="600">${escapeHtml(`${chart.title} (${chart.unit})`)}</text>`,
    ...spans(chart, x, bottom),
    ...axes(x, y, bottom),
    ...marks(chart, x, bottom),
    ...chart.series.map((series, index) => draw(series, colours[index % colours.length] as string, x, y)),
    ...legend(chart.series, height),
    '</svg>',
  ].join('\n');
}

function valueScale(chart: TimeChart, values: readonly number[], bottom: number): Scale {
  if (chart.logarithmic) {
    const positive = values.filter((value) => value > 0);
    return logarithmicScale(least(positive, 1), most(positive, 10), bottom, plot.top);
  }
  return linearScale(chart.lowest ?? Math.min(0, least(values)), most(values, 1), bottom, plot.top, 4);
}

function axes(x: Scale, y: Scale, bottom: number): string[] {
  const vertical = x.ticks.map((tick) => {
    const at = x.place(tick).toFixed(1);
    return `<text x="${at}" y="${bottom + 14}" text-anchor="middle" fill="${ink.soft}">${clock(tick)}</text>`;
  });
  const horizontal = y.ticks.map((tick) => {
    const at = y.place(tick);
    return (
      `<line x1="${plot.left}" x2="${plot.right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="${ink.grid}"/>` +
      `<text x="${plot.left - 6}" y="${(at + 4).toFixed(1)}" text-anchor="end" fill="${ink.soft}">${short(tick)}</text>`
    );
  });
  return [...horizontal, ...vertical];
}

function spans({ spans: all = [] }: TimeChart, x: Scale, bottom: number): string[] {
  return all.map(({ fromS, toS, label }) => {
    const [from, length] = [x.place(fromS), Math.max(1, x.place(toS) - x.place(fromS))];
    return (
      `<rect x="${from.toFixed(1)}" y="${plot.top}" width="${length.toFixed(1)}" height="${bottom - plot.top}" fill="${ink.ground}"/>` +
      `<text x="${(from + 3).toFixed(1)}" y="${plot.top - 4}" fill="${ink.soft}">${escapeHtml(label)}</text>`
    );
  });
}

/** Labels stand upright; one that would cover its neighbour's is left out and is still there as a tooltip. */
function marks({ marks: all = [], markLabels = true }: TimeChart, x: Scale, bottom: number): string[] {
  let freeFrom = Number.NEGATIVE_INFINITY;
  return all.map(({ atS, label }) => {
    const at = x.place(atS);
    const text = escapeHtml(label);
    const line = `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${plot.top}" y2="${bottom}" stroke="${ink.soft}" stroke-dasharray="2 3"><title>${text}</title></line>`;
    if (!markLabels || at < freeFrom) return line;
    freeFrom = at + labelWidth;
    const place = `${(at + 10).toFixed(1)} ${plot.top + 2}`;
    return `${line}<text transform="translate(${place}) rotate(90)" font-size="9" fill="${ink.soft}">${text}</text>`;
  });
}

function draw(series: ChartSeries, colour: string, x: Scale, y: Scale): string {
  const every = Math.ceil(series.points.length / mostPoints);
  const shown = series.points.filter((_, index) => index % every === 0 || index === series.points.length - 1);
  if (series.style === 'dots') {
    return shown
      .filter(([, value]) => Number.isFinite(value))
      .map(
        ([atS, value]) =>
          `<circle cx="${x.place(atS).toFixed(1)}" cy="${y.place(value).toFixed(1)}" r="2.2" fill="${colour}"/>`,
      )
      .join('');
  }
  let pen = 'M';
  let path = '';
  for (const [atS, value] of shown) {
    if (!Number.isFinite(value)) {
      pen = 'M';
      continue;
    }
    path += `${pen}${x.place(atS).toFixed(1)} ${y.place(value).toFixed(1)}`;
    pen = 'L';
  }
  const stroke = series.style === 'fit' ? 'stroke-width="2.4" stroke-dasharray="7 4"' : 'stroke-width="1.3"';
  return `<path d="${path}" fill="none" stroke="${colour}" ${stroke}/>`;
}

function legend(series: readonly ChartSeries[], height: number): string[] {
  let left: number = plot.left;
  return series.map(({ name }, index) => {
    const colour = colours[index % colours.length] as string;
    const at = left;
    left += 26 + name.length * 6.4;
    return (
      `<rect x="${at}" y="${height - 18}" width="12" height="4" fill="${colour}"/>` +
      `<text x="${at + 16}" y="${height - 12}">${escapeHtml(name)}</text>`
    );
  });
}

function clock(seconds: number): string {
  const sign = seconds < 0 ? '−' : '';
  const whole = Math.abs(Math.round(seconds));
  return `${sign}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function short(value: number): string {
  if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toPrecision(6)}M`;
  if (Math.abs(value) >= 1e4) return `${+(value / 1e3).toPrecision(6)}k`;
  return String(+value.toPrecision(6));
}

function least(values: readonly number[], otherwise = 0): number {
  return values.reduce((lowest, value) => Math.min(lowest, value), values[0] ?? otherwise);
}

function most(values: readonly number[], otherwise = 1): number {
  return values.reduce((highest, value) => Math.max(highest, value), values[0] ?? otherwise);
}
