import type { MatrixFigures, MutantResult, ScenarioResult } from '../result.ts';
import { figureCells, figureColumns, nameOf, seconds, stateOf } from './format.ts';
import { type Cell, escapeHtml, htmlPage, htmlTable } from './html-page.ts';
import { problemLines } from './table.ts';
import { timelineCharts } from './timeline-charts.ts';

export interface HtmlInput {
  /** What was typed, with the seed, so that the run can be repeated. */
  readonly command: string;
  readonly environment: string;
  readonly startedAt: Date;
  readonly results: readonly ScenarioResult[];
  readonly mutants: readonly MutantResult[];
  readonly figures: MatrixFigures;
}

/** The report as one page that needs nothing but itself: summary, mutants, and what happened in each scenario. */
export function renderHtml({ command, environment, startedAt, results, mutants, figures }: HtmlInput): string {
  return htmlPage('Faults: what was broken, and what held', [
    `<p>${escapeHtml(`${startedAt.toISOString()}, ${environment}`)}<br><code>${escapeHtml(command)}</code></p>`,
    htmlTable(Object.keys(figures), [Object.values(figures).map(String)]),
    '<div class="wide">',
    htmlTable(['scenario', 'seed', 's', ...figureColumns, ''], results.map(summaryRow)),
    '</div>',
    ...(mutants.length === 0 ? [] : mutantTable(mutants)),
    ...results.flatMap(section),
    ...mutants.flatMap(({ run }) => section(run)),
  ]);
}

const stateCell = (result: ScenarioResult): Cell => {
  const text = stateOf(result);
  if (text === 'NOT RUN') return { text };
  return { text, mood: text === 'ok' ? 'good' : 'bad' };
};

const summaryRow = (result: ScenarioResult): (Cell | string | number)[] => [
  nameOf(result),
  String(result.seed),
  ...(result.ran ? [seconds(result.durationMs), ...figureCells(result)] : ['–', ...figureColumns.map(() => '–')]),
  stateCell(result),
];

const mutantTable = (mutants: readonly MutantResult[]): string[] => [
  '<h2>Gateways with a mistake built in</h2>',
  htmlTable(
    ['mutant', 'what it does wrong', 'scenario', 'must be red for', ''],
    mutants.map(({ name, what, expects, caught, run }) => [
      ...[name, what, run.name, expects],
      { text: caught ? 'caught' : 'NOT CAUGHT', mood: caught ? 'good' : 'bad' } as const,
    ]),
  ),
];

function section(result: ScenarioResult): string[] {
  const { text, mood } = stateCell(result);
  const built = result.mutant === undefined ? '' : `, with the mistake ${result.mutant}`;
  const problems = problemLines(result).map((line) => `<li>${escapeHtml(line)}</li>`);
  return [
    `<h2>${escapeHtml(result.title + built)} <span class="${mood ?? ''}">${text}</span></h2>`,
    `<p>${escapeHtml(result.what)}</p>`,
    ...(problems.length === 0 ? [] : ['<ul>', ...problems, '</ul>']),
    ...(result.ran ? timelineCharts(result.timeline) : []),
  ];
}
