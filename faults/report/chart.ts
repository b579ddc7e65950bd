import type { Mark } from '../result.ts';
import { escapeHtml } from './escape-html.ts';

/** One line of a panel; a missing value breaks it. `tone` is the class that colours it. */
export interface Series {
  readonly label: string;
  readonly tone: 'a' | 'b';
  readonly points: readonly (readonly [atMs: number, value: number | undefined])[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface ChartInput {
  readonly fromMs: number;
  readonly toMs: number;
  readonly panels: readonly Panel[];
  readonly marks: readonly Mark[];
  /** When `/readyz` said no, or nothing answered. */
  readonly notReady: readonly (readonly [fromMs: number, toMs: number])[];
}

const width = 960;
const left = 64;
const right = 16;
const panelHeight = 84;
const panelGap = 30;
const markRow = 13;
const axisHeight = 22;

/** A timeline as inline SVG: panels above each other over one time axis, marks across all of them. Colours are CSS's. */
export function renderChart(input: ChartInput): string {
  const { fromMs, toMs, panels, marks } = input;
  const plotWidth = width - left - right;
  const x = (atMs: number): number => left + ((atMs - fromMs) / Math.max(1, toMs - fromMs)) * plotWidth;
  const faults = marks.filter(({ kind }) => kind === 'fault');
  const top = 20 + faults.length * markRow;
  const panelTop = (index: number): number => top + index * (panelHeight + panelGap);
  const bottom = panelTop(panels.length - 1) + panelHeight;
  const parts = [
    ...input.notReady.map(([from, to]) => rect('not-ready', x(from), top, x(to) - x(from), bottom - top)),
    ...marks.flatMap((mark) => renderMark(mark, faults.indexOf(mark), x(mark.atMs), top, bottom)),
    ...panels.map((panel, index) => renderPanel(panel, x, panelTop(index))),
    ...timeAxis(fromMs, toMs, x, bottom),
  ];
  return `<svg viewBox="0 0 ${width} ${bottom + axisHeight}" role="img" aria-label="Timeline">${parts.join('')}</svg>`;
}

function renderMark(mark: Mark, row: number, x: number, top: number, bottom: number): string[] {
  const line = `<line class="${mark.kind}" x1="${round(x)}" x2="${round(x)}" y1="${mark.kind === 'fault' ? 18 + row * markRow : top - 4}" y2="${bottom}"/>`;
  if (mark.kind === 'phase') {
    return [line, text('phase-label', x + 3, bottom - 3, mark.label)];
  }
  // Near the right edge the label would leave the picture: it stands on the other side of its line then.
  const late = x > width * 0.7;
  return [
    line,
    text(late ? 'fault-label end' : 'fault-label', late ? x - 4 : x + 4, 18 + row * markRow + 3, mark.label),
  ];
}

function renderPanel({ title, series }: Panel, x: (atMs: number) => number, top: number): string {
  const values = series.flatMap(({ points }) => points.flatMap(([, value]) => (value === undefined ? [] : [value])));
  const most = niceCeiling(Math.max(0, ...values));
  const y = (value: number): number => top + panelHeight * (1 - value / most);
  const legend = series.map(({ label, tone }, index) =>
    text(`legend ${tone}`, left + 150 + index * 110, top - 6, label),
  );
  return [
    text('panel-title', left, top - 6, title),
    ...(series.length > 1 ? legend : []),
    ...[0, most / 2, most].flatMap((value) => [
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y(value))}" y2="${round(y(value))}"/>`,
      text('tick end', left - 6, y(value) + 4, compact(value)),
    ]),
    ...series.map(({ tone, points }) => `<path class="line ${tone}" d="${path(points, x, y)}"/>`),
  ].join('');
}

function path(points: Series['points'], x: (atMs: number) => number, y: (value: number) => number): string {
  let pen = 'M';
  const steps: string[] = [];
  for (const [atMs, value] of points) {
    if (value === undefined) {
      pen = 'M';
      continue;
    }
    steps.push(`${pen}${round(x(atMs))} ${round(y(value))}`);
    pen = 'L';
  }
  return steps.join('');
}

function timeAxis(fromMs: number, toMs: number, x: (atMs: number) => number, bottom: number): string[] {
  const step = niceCeiling((toMs - fromMs) / 1000 / 10);
  const ticks: string[] = [];
  for (let second = 0; second * 1000 <= toMs - fromMs; second += step) {
    ticks.push(text('tick middle', x(fromMs + second * 1000), bottom + 15, `${second} s`));
  }
  return ticks;
}

/** The next of 1, 2, 5, 10, 20 … that is not below; 1 for 0. */
export function niceCeiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

const compact = (value: number): string => (value >= 10_000 ? `${value / 1000}k` : String(value));
const round = (value: number): number => Math.round(value * 10) / 10;
const rect = (tone: string, x: number, y: number, w: number, h: number): string =>
  `<rect class="${tone}" x="${round(x)}" y="${round(y)}" width="${round(Math.max(1, w))}" height="${round(h)}"/>`;
const text = (tone: string, x: number, y: number, content: string): string =>
  `<text class="${tone}" x="${round(x)}" y="${round(y)}">${escapeHtml(content)}</text>`;
