import { writeFile } from 'node:fs/promises';
import { Screen } from '../../device-simulator/report/screen.ts';
import { endOnSignals } from '../end-on-signals.ts';
import { parseSoakOptions, type SoakOptions } from './options.ts';
import { renderRows, soakPage, soakRows } from './report.ts';
import { examplesOf, exitCodeOf, figuresOf, soakProblems } from './result.ts';
import { runSoak } from './run.ts';

const EXIT_NOT_MEASURED = 2;

async function main(options: SoakOptions): Promise<number> {
  const screen = new Screen(process.stdout);
  endOnSignals((line) => screen.print(line));
  try {
    const measured = await runSoak(options, screen);
    screen.print('', renderRows(soakRows(measured)), '');
    for (const { text } of soakProblems(measured)) screen.print(`BAD: ${text}`);
    for (const example of examplesOf(measured)) screen.print(`     ${example}`);
    if (measured.memory.trend === 'unclear') screen.print('note: the run was too short to speak about memory');
    if (options.htmlFile !== undefined) await writeFile(options.htmlFile, soakPage(measured));
    if (options.jsonFile !== undefined) await writeFile(options.jsonFile, `${JSON.stringify(measured)}\n`);
    screen.print(JSON.stringify(figuresOf(measured)));
    return exitCodeOf(measured);
  } catch (error) {
    process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT_NOT_MEASURED;
  }
}

const exit = (code: number): never => process.exit(code);
process.exitCode = await main(parseSoakOptions(process.argv.slice(2), { exit }));
