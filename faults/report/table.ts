import type { MutantResult, ScenarioResult } from '../result.ts';
import { figureCells, figureColumns, nameOf, seconds, stateOf } from './format.ts';

const header = ['scenario', 'seed', 's', ...figureColumns, ''];

/** The summary for people: one row per scenario, what is wrong below it, then the mutants. */
export function renderTable(results: readonly ScenarioResult[], mutants: readonly MutantResult[]): string {
  const lines = align([header, ...results.map(cells)]);
  const details = results.flatMap(problemLines);
  const verdicts = mutants.map(({ name, expects, caught, run, control }) => {
    const without = control === undefined ? '' : `; without the mistake: ${foundIn(control)}`;
    const verdict = `must be red for ${expects}, found: ${foundIn(run)}${without}`;
    return `${caught ? 'caught    ' : 'NOT CAUGHT'}  ${name} in ${run.name}: ${verdict}`;
  });
  return [...lines, ...section('', details), ...section('mutants', verdicts)].join('\n');
}

const foundIn = (result: ScenarioResult): string => {
  if (!result.ran) return result.reason;
  return result.problems.map(({ finding }) => finding).join(', ') || 'nothing';
};

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines].filter((line, index) => index === 0 || line !== '');

/** What is wrong with a scenario, or why it was not run. */
export function problemLines(result: ScenarioResult): string[] {
  if (!result.ran) return [`NOT RUN ${nameOf(result)}: ${result.reason}`];
  const examples = result.problems.length === 0 ? [] : (result.verdict?.examples ?? []);
  return [
    ...result.problems.map(({ finding, text }) => `RED ${nameOf(result)} (seed ${result.seed}): ${finding}: ${text}`),
    ...examples.slice(0, 5).map((example) => `    ${example}`),
  ];
}

function cells(result: ScenarioResult): string[] {
  const name = nameOf(result);
  if (!result.ran) return [name, String(result.seed), '–', ...figureColumns.map(() => '–'), stateOf(result)];
  return [name, String(result.seed), seconds(result.durationMs), ...figureCells(result), stateOf(result)];
}

/** Columns padded to their widest cell: the first to the left, figures to the right, the state to the left. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const last = header.length - 1;
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === last ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
