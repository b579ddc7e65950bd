import { Command } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { csvColumns } from '../../device-rows/device-row.ts';
import { type ImportResult, importDevices } from '../import-devices.ts';
import { type CostChoice, type RegistryChoice, useRegistry, withCost, withRegistry } from './common.ts';
import { readDevicesCsv } from './read-devices-csv.ts';
import { SecretsFile } from './secrets-file.ts';

interface ImportOptions extends RegistryChoice, CostChoice {
  readonly secretsOut?: string;
}

/** `devices import FILE.csv`: all devices of the file, or none. */
export const importCommand = (): Command =>
  withCost(withRegistry(new Command('import')))
    .description('register all devices of a CSV file, or none')
    .argument('<csv>', `file with the columns ${csvColumns}; groups are separated by spaces; - reads standard input`)
    .option('--secrets-out <file>', 'new file, readable by you only, for the secrets of rows that have none')
    .action(importCsv);

async function importCsv(csv: string, { secretsOut, scryptCost, ...choice }: ImportOptions): Promise<void> {
  await useRegistry(choice, 'make', async (registry) => {
    await using secrets = secretsOut === undefined ? undefined : SecretsFile.create(secretsOut);
    const result = await importDevices(registry, readDevicesCsv(csv, secrets !== undefined), {
      cost: scryptCost,
      onGenerated: (deviceId, secret) => secrets?.write(deviceId, secret),
      onProgress: progress(),
      // No device may exist whose secret was lost in a crash.
      beforeCommit: async () => secrets?.flush(),
    });
    report(result);
    secrets?.keep();
  });
}

function report(result: ImportResult): void {
  if ('added' in result) {
    console.log(`${result.added} devices added`);
    return;
  }
  const lines = result.problems.map(({ line, problem }) => (line > 0 ? `line ${line}: ${problem}` : problem));
  if (result.further > 0) lines.push(`… and ${result.further} more`);
  throw new CommandFailure(`${lines.join('\n')}\nnothing was added`);
}

const progressEveryMs = 1000;

/** A line now and then, on standard error; none for imports that end at once. */
function progress(): (hashed: number, total: number) => void {
  let nextAt = Date.now() + progressEveryMs;
  return (hashed, total) => {
    const now = Date.now();
    if (now < nextAt) return;
    nextAt = now + progressEveryMs;
    console.error(`${hashed} of ${total} secrets hashed`);
  };
}
