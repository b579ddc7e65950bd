import { CredentialsError, loadSecrets, writeDevicesCsv } from './config/credentials.ts';
import { parseCommandLine, type SimulatorSettings } from './config/settings.ts';
import { createFleet } from './core/fleet.ts';
import { interruptions } from './interruptions.ts';
import { Screen } from './report/screen.ts';
import { NoConnectionError } from './run.ts';
import { simulate } from './simulate.ts';
import { VerifyError } from './verify/errors.ts';

const isExpected = (error: unknown): error is Error =>
  error instanceof CredentialsError || error instanceof NoConnectionError || error instanceof VerifyError;

async function runSimulation(settings: SimulatorSettings): Promise<number> {
  const screen = new Screen(process.stdout);
  const { verdict, faults } = await simulate(
    settings,
    screen,
    interruptions(screen, 'stopping: waiting for outstanding acknowledgements (again: not waiting)'),
  );
  screen.print(JSON.stringify(verdict));
  return faults.length === 0 ? 0 : 1;
}

async function writeDevices(settings: SimulatorSettings, path: string): Promise<number> {
  const fleet = createFleet({ ...settings, runId: 0 });
  const secrets = await loadSecrets(settings.secrets, fleet);
  await writeDevicesCsv(path, fleet, secrets ?? new Map());
  process.stdout.write(`${fleet.length} devices written to ${path}\n`);
  return 0;
}

async function main(): Promise<number> {
  const command = parseCommandLine(
    process.argv.slice(2),
    (text) => process.stdout.write(text),
    (text) => process.stderr.write(text),
  );
  try {
    if (command.kind === 'exit') return command.code;
    if (command.kind === 'writeDevices') return await writeDevices(command.settings, command.path);
    return await runSimulation(command.settings);
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`simulate: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
