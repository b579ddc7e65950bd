import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { Child } from './measure/child.ts';
import { openFilesShortage } from './measure/open-files.ts';
import { choosePlacement, type Placement } from './measure/placement.ts';
import { parseCommandLine } from './options.ts';
import { resultOf } from './report/result.ts';
import { renderReport } from './report/table.ts';
import { shortfalls } from './report/verdict.ts';
import { warningsOf } from './report/warnings.ts';
import { runBench } from './run.ts';

const exitCodes = { good: 0, bad: 1, notMeasured: 2 } as const;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const describePlacement = ({ cores, brokerCores, reason }: Placement): string =>
  cores === undefined
    ? `nothing is pinned, the parts disturb each other: ${reason}`
    : `pinned: server on core ${cores.server}, load on core ${cores.load}, Kafka on core ${brokerCores.join(', ')}`;

const main = async (): Promise<number> => {
  const { options, thresholds, judge, jsonFile } = parseCommandLine(process.argv.slice(2), (code) =>
    process.exit(code),
  );
  const { only, connections, rateConnections, idleConnections } = options;
  const most = Math.max(
    connections,
    only.includes('rate') ? rateConnections : 0,
    only.includes('idle') ? idleConnections : 0,
  );
  const shortage = openFilesShortage(most);
  if (shortage !== undefined) throw new Error(shortage);
  const placement = choosePlacement();
  const [cpu] = cpus();
  const environment = `Node ${process.version} on ${process.platform} ${process.arch}, ${cpu?.model ?? 'unknown CPU'}`;
  print(environment);
  print(describePlacement(placement));

  const measurements = await runBench(options, placement, print);
  const result = resultOf(measurements);
  const warnings = warningsOf(measurements);
  const failings = [...measurements.violations, ...(judge ? shortfalls(result, thresholds) : [])];
  print(`\n${renderReport(measurements, result)}\n`);
  for (const warning of warnings) print(`note: ${warning}`);
  for (const failing of failings) print(`BAD: ${failing}`);
  if (jsonFile !== undefined) {
    const report = { environment, placement, options, thresholds, measurements, warnings, failings, result };
    await writeFile(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
  print(JSON.stringify(result));
  return failings.length > 0 ? exitCodes.bad : exitCodes.good;
};

// What the run waits for is always one of its children: ending them ends it, and everything it started is cleaned up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => Child.interruptAll());

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodes.notMeasured;
}
