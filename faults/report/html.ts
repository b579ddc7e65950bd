import type { MatrixFigures, MutantResult, ScenarioResult, ScenarioRun } from '../result.ts';
import { escapeHtml } from './escape-html.ts';
import { figureCells, figureColumns, grouped, nameOf, seconds, stateOf } from './format.ts';
import { style } from './style.ts';
import { problemLines } from './table.ts';
import { renderTimeline } from './timeline-chart.ts';

export interface HtmlInput {
  /** What was typed, so that the run can be repeated. */
  readonly command: string;
  readonly environment: string;
  readonly startedAt: Date;
  readonly results: readonly ScenarioResult[];
  readonly mutants: readonly MutantResult[];
  readonly figures: MatrixFigures;
}

/** The report as one self-contained page: no script, nothing loaded from elsewhere, light and dark. */
export function renderHtml(input: HtmlInput): string {
  const { results, mutants } = input;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Faults</title>
<style>${style}</style>
</head>
<body>
<h1>What was broken, and what held</h1>
<p>${escapeHtml(input.startedAt.toISOString())} · ${escapeHtml(input.environment)}<br><code>${escapeHtml(input.command)}</code></p>
${headline(input.figures)}
${summary(results)}
${mutants.length === 0 ? '' : mutantTable(mutants)}
${results.map(section).join('\n')}
${mutants.map(({ run }) => section(run)).join('\n')}
</body>
</html>
`;
}

const headline = (figures: MatrixFigures): string =>
  `<ul class="figures">${Object.entries(figures)
    .map(([name, value]) => `<li><b>${grouped(value)}</b> ${escapeHtml(name)}</li>`)
    .join('')}</ul>`;

const row = (cells: readonly string[], tag: 'td' | 'th' = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;

const badge = (result: ScenarioResult): string => {
  const state = stateOf(result);
  return `<span class="badge ${state === 'ok' ? 'good' : state === 'RED' ? 'bad' : 'none'}">${state}</span>`;
};

const link = (result: ScenarioResult): string => `<a href="#${anchor(result)}">${escapeHtml(nameOf(result))}</a>`;
const anchor = (result: ScenarioResult): string => `${result.name}-${result.mutant ?? 'run'}-${result.seed}`;

function summary(results: readonly ScenarioResult[]): string {
  const header = row(['scenario', 'seed', 's', ...figureColumns, ''], 'th');
  const rows = results.map((result) =>
    row([
      link(result),
      String(result.seed),
      ...(result.ran ? [seconds(result.durationMs), ...figureCells(result)] : ['–', ...figureColumns.map(() => '–')]),
      badge(result),
    ]),
  );
  return `<div class="wide"><table>${header}${rows.join('')}</table></div>`;
}

function mutantTable(mutants: readonly MutantResult[]): string {
  const rows = mutants.map(({ name, what, expects, caught, run }) =>
    row([
      escapeHtml(name),
      escapeHtml(what),
      link(run),
      expects,
      `<span class="badge ${caught ? 'good' : 'bad'}">${caught ? 'caught' : 'NOT CAUGHT'}</span>`,
    ]),
  );
  const header = row(['mutant', 'what it does wrong', 'scenario', 'must be red for', ''], 'th');
  return `<h2>Gateways with a mistake built in</h2><div class="wide"><table class="text">${header}${rows.join('')}</table></div>`;
}

function section(result: ScenarioResult): string {
  const problems = problemLines(result).map((line) => `<li>${escapeHtml(line)}</li>`);
  return `<section id="${anchor(result)}">
<h2>${escapeHtml(result.title)}${result.mutant === undefined ? '' : ` · ${escapeHtml(result.mutant)}`} ${badge(result)}</h2>
<p>${escapeHtml(result.what)}</p>
${problems.length === 0 ? '' : `<ul class="problems">${problems.join('')}</ul>`}
${result.ran ? timelineOf(result) : ''}
</section>`;
}

const timelineOf = (run: ScenarioRun): string => `<figure>${renderTimeline(run.timeline)}</figure>`;
