import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { count, positive, simulatorDefaults } from '../device-simulator/config/settings.ts';

export interface DemoSettings {
  readonly seconds: number;
  readonly keep: boolean;
  readonly vehicles: number;
  readonly bays: number;
  /** Messages per second and vehicle. */
  readonly rate: number;
  readonly brokers: 1 | 3;
  readonly seed: number;
}

/**
 * Reads the command line of `npm run demo`.
 *
 * @returns the settings, or the code to exit with: 0 after --help, 2 for what was refused (and told on `stderr`)
 */
export function parseDemoArguments(
  argv: readonly string[],
  stdout: (text: string) => void,
  stderr: (text: string) => void,
): DemoSettings | number {
  const command = demoCommand().exitOverride().configureOutput({ writeOut: stdout, writeErr: stderr });
  try {
    command.parse(argv, { from: 'user' });
    const settings = command.opts<Omit<DemoSettings, 'keep'> & { keep?: true }>();
    if (settings.vehicles + settings.bays === 0) command.error('error: a fleet needs --vehicles or --bays');
    return { ...settings, keep: settings.keep ?? false };
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

function demoCommand(): Command {
  const d = simulatorDefaults;
  return new Command('demo')
    .description(
      'Runs everything on this machine: a local Kafka and schema registry, the gateway and a simulated fleet. Then reads ' +
        'Kafka back: exit code 0 only if nothing acknowledged was lost, out of order or on a wrong partition.',
    )
    .option('--seconds <n>', 'how long the fleet sends', positive, d.seconds)
    .option('--keep', 'leave everything running afterwards, with the addresses printed, until Ctrl-C')
    .option('--vehicles <n>', 'vehicles in the fleet', count(100_000), d.vehicles)
    .option('--bays <n>', 'parking bays in the fleet', count(10_000), d.bays)
    .option('--rate <n>', 'messages per second and vehicle', positive, d.rate)
    .option('--brokers <n>', 'Kafka brokers: 1, or 3 that replicate', brokers, 1)
    .option('--seed <n>', 'what the fleet does: the same seed, the same drives', count(0xffff_ffff), d.seed)
    .showHelpAfterError('(--help shows all options)')
    .allowExcessArguments(false);
}

function brokers(text: string): 1 | 3 {
  if (text !== '1' && text !== '3') throw new InvalidArgumentError('Must be 1 or 3.');
  return text === '1' ? 1 : 3;
}
