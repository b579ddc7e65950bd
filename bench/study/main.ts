import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../gateway/config/load.ts';
import { Child } from '../measure/child.ts';
import { openFilesShortage } from '../measure/open-files.ts';
import { choosePlacement } from '../measure/placement.ts';
import { TestBed } from './bed.ts';
import { Journal } from './journal.ts';
import { parseStudyCommandLine } from './options.ts';
import { devices } from './plan.ts';
import { chartsOf } from './report/charts.ts';
import { findingsOf } from './report/findings.ts';
import { resultOf } from './report/result.ts';
import { renderFindings } from './report/tables.ts';
import { studyShortfalls } from './report/verdict.ts';
import { runStudy, warmBrokers } from './run.ts';

const exitCodes = { good: 0, bad: 1, notMeasured: 2 } as const;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** The gateway's settings when nobody sets any. */
const defaults = () => {
  const loaded = loadConfig({ settings: {}, env: {} });
  if (!loaded.ok) throw new Error('the default settings are not usable');
  return loaded.config.kafka;
};

const main = async (): Promise<number> => {
  const { options, thresholds, judge, jsonFile, chartsDir } = parseStudyCommandLine(process.argv.slice(2), (code) =>
    process.exit(code),
  );
  const shortage = openFilesShortage(devices);
  if (shortage !== undefined) throw new Error(shortage);
  const placement = choosePlacement();
  const environment = `Node ${process.version} on ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`;
  print(environment);
  if (placement.cores === undefined) print(`nothing is pinned, quotients are rough: ${placement.reason}`);

  const journal = await Journal.open(options.journalFile);
  await using stack = new AsyncDisposableStack();
  let opened: Promise<TestBed> | undefined;
  const openBed = async (): Promise<TestBed> => {
    const made = stack.use(await TestBed.open({ placement, profileDir: options.profileDir, onLog: print }));
    print(`warming the brokers up for ${options.brokerWarmUpSeconds} s`);
    await warmBrokers(made, options.brokerWarmUpSeconds);
    return made;
  };
  const bed = async (): Promise<TestBed> => {
    opened ??= openBed();
    return await opened;
  };
  await runStudy({ options, journal, bed, onLog: print });

  const findings = findingsOf(journal, options);
  const result = resultOf(findings);
  const failings = [...findings.problems, ...(judge ? studyShortfalls(result, thresholds) : [])];
  print(`\n${renderFindings(findings)}\n`);
  for (const note of findings.notes) print(`note: ${note}`);
  for (const failing of failings) print(`BAD: ${failing}`);
  if (chartsDir !== undefined) {
    await mkdir(chartsDir, { recursive: true });
    for (const { name, svg } of chartsOf(findings, defaults())) await writeFile(join(chartsDir, name), svg);
  }
  if (jsonFile !== undefined) {
    const report = { environment, placement, options, thresholds, findings, failings, result };
    await writeFile(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
  print(JSON.stringify(result));
  return failings.length > 0 ? exitCodes.bad : exitCodes.good;
};

// What the study waits for is always one of its children: ending them ends it, and everything it started is cleaned up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => Child.interruptAll());

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`study: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodes.notMeasured;
}
