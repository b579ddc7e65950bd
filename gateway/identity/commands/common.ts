import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { describeConfigError } from '../../config/errors.ts';
import { isUsableId, usableIdRule } from '../device.ts';
import { DeviceRegistry } from '../registry.ts';
import { defaultCost, isAllowedCost, type ScryptCost } from '../secret-hash.ts';

export interface RegistryChoice {
  readonly database?: string;
  readonly config?: string;
}

export interface CostChoice {
  readonly scryptCost: ScryptCost;
}

/** A person waits here, not an event loop. */
const busyTimeoutMs = 10_000;

/** Adds the options that say which registry a command works on. */
export const withRegistry = (command: Command): Command =>
  command
    .option('--database <file>', 'SQLite file of the registry (default: identity.databasePath of the configuration)')
    .option('--config <file>', "the gateway's YAML file, for identity.databasePath")
    .allowExcessArguments(false);

export const withCost = (command: Command): Command =>
  command.addOption(
    new Option(
      '--scrypt-cost <N>',
      'cost of hashing: a power of two from 16; low only for secrets that nobody can guess, such as generated ones',
    )
      .argParser(parseCost)
      .default(defaultCost, String(defaultCost.N)),
  );

function parseCost(text: string): ScryptCost {
  const cost = { ...defaultCost, N: /^\d+$/.test(text) ? Number(text) : Number.NaN };
  if (cost.N >= 16 && isAllowedCost(cost)) return cost;
  throw new InvalidArgumentError('A power of two from 16 to 65536 is needed.');
}

export function parseId(text: string): string {
  if (isUsableId(text)) return text;
  throw new InvalidArgumentError(`Needed: ${usableIdRule}.`);
}

/**
 * Runs `work` on the chosen registry and closes it.
 *
 * @param ifMissing `make`: for commands that add devices. `refuse`: a registry that is not there has no devices to show
 * or to change; the path is probably a mistake.
 */
export async function useRegistry<Result>(
  choice: RegistryChoice,
  ifMissing: 'make' | 'refuse',
  work: (registry: DeviceRegistry) => Result | Promise<Result>,
): Promise<Result> {
  const path = await databasePath(choice);
  if (ifMissing === 'refuse' && !existsSync(path)) {
    throw new CommandFailure(
      `device registry ${path}: no such file; devices add or import makes one, --database names another`,
    );
  }
  const registry = DeviceRegistry.open(path, { busyTimeoutMs });
  try {
    return await work(registry);
  } finally {
    registry.close();
  }
}

async function databasePath({ database, config: file }: RegistryChoice): Promise<string> {
  if (database !== undefined) return database;
  // The schema of the settings takes most of a start; a command that is told its database needs none of it.
  const { loadConfig } = await import('../../config/load.ts');
  const result = loadConfig({ file });
  if (!result.ok) throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
  if (result.config.identity.databasePath !== '') return result.config.identity.databasePath;
  throw new CommandFailure('identity.databasePath is empty: name the registry with --database', 2);
}

export const unknownDevice = (deviceId: string) => new CommandFailure(`there is no device ${deviceId}`);
