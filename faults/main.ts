import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { endOnSignals } from './end-on-signals.ts';
import { runMatrix } from './matrix.ts';
import { mutants } from './mutants/mutants.ts';
import { parseFaultOptions } from './options.ts';
import { renderHtml } from './report/html.ts';
import { renderTable } from './report/table.ts';
import { exitCodeOf, figuresOf } from './result.ts';
import { scenarios } from './scenarios/scenarios.ts';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function list(): void {
  const width = Math.max(...[...scenarios, ...mutants].map(({ name }) => name.length)) + 2;
  print('scenarios');
  for (const { name, what } of scenarios) print(`  ${name.padEnd(width)}${what}`);
  print('mutants');
  for (const { name, what } of mutants) print(`  ${name.padEnd(width)}${what}`);
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseFaultOptions(args, scenarios, { exit: (code) => process.exit(code) });
  if (options.list) {
    list();
    return 0;
  }
  const startedAt = new Date();
  const startedAtMs = performance.now();
  const onLog = (line: string): void =>
    print(`${((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  const environment = `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`;
  print(`${environment}, seed ${options.seed}`);
  const matrix = await runMatrix(options, onLog);
  const figures = figuresOf(matrix.results, matrix.mutants);
  print(`\n${renderTable(matrix.results, matrix.mutants)}\n`);
  if (options.htmlFile !== undefined) {
    const command = `npm run faults -- ${args.join(' ')}${args.includes('--seed') ? '' : ` --seed ${options.seed}`}`;
    await writeFile(options.htmlFile, renderHtml({ command, environment, startedAt, ...matrix, figures }));
    print(`report: ${options.htmlFile}`);
  }
  print(JSON.stringify(figures));
  return exitCodeOf(matrix.results, matrix.mutants, options);
}

/** Longer than anything takes to be closed. */
const EXIT_DEADLINE_MS = 15_000;

endOnSignals(print);
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`faults: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
// Something that was not closed would be a mistake of the harness: it is told, and must not keep a build waiting.
setTimeout(() => {
  process.stderr.write(`faults: still open after the end: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, EXIT_DEADLINE_MS).unref();
