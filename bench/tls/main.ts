import { Child } from '../measure/child.ts';
import { openFilesShortage } from '../measure/open-files.ts';
import { choosePlacement } from '../measure/placement.ts';
import { openTlsBed } from './bed.ts';
import { measureTls } from './measure.ts';
import { parseTlsCommandLine } from './options.ts';
import { ratiosOf, renderTls, tlsShortfalls } from './verdict.ts';

const exitCodes = { good: 0, bad: 1, notMeasured: 2 } as const;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const { options, thresholds, judge, profileDir } = parseTlsCommandLine(process.argv.slice(2), (code) =>
    process.exit(code),
  );
  const shortage = openFilesShortage(options.connections);
  if (shortage !== undefined) throw new Error(shortage);
  const placement = choosePlacement();
  print(
    `Node ${process.version}; ${placement.cores === undefined ? `nothing is pinned: ${placement.reason}` : 'pinned'}`,
  );
  await using bed = await openTlsBed(options.connections, placement, profileDir, print);
  const measurements = await measureTls(bed, options, placement, print);
  const ratios = ratiosOf(measurements);
  const failings = judge ? tlsShortfalls(ratios, thresholds) : [];
  print(`\n${renderTls(measurements, ratios)}\n`);
  for (const failing of failings) print(`BAD: ${failing}`);
  const { bare, gateway } = measurements;
  print(JSON.stringify({ connections: options.connections, bare, gateway, ratios }));
  return failings.length > 0 ? exitCodes.bad : exitCodes.good;
}

// What the run waits for is always one of its children: ending them ends it, and everything it started is cleaned up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => Child.interruptAll());

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench:tls: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodes.notMeasured;
}
