import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { describeConfigError } from '../../config/errors.ts';
import {
  fingerprintRule,
  isUsableId,
  parseFingerprint,
  parseGroups,
  usableGroupsRule,
  usableIdRule,
} from '../device.ts';
import type { DeviceStore } from '../device-store.ts';
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
    .option('--database <file>', 'SQLite file of the registry (default: the registry of the configuration)')
    .option('--config <file>', "the gateway's YAML file, for identity.store and what belongs to it")
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

/** An option that may be given several times. */
export function collectGroups(name: string, before: readonly string[] = []): readonly string[] {
  const groups = parseGroups([...before, name]);
  if (groups !== undefined) return groups;
  throw new InvalidArgumentError(`Needed: ${usableGroupsRule}.`);
}

export function parseFingerprintOption(text: string): string {
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw new InvalidArgumentError(`Needed: ${fingerprintRule}.`);
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
  work: (registry: DeviceStore) => Promise<Result>,
): Promise<Result> {
  const registry = await open(choice, ifMissing);
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

async function open({ database, config: file }: RegistryChoice, ifMissing: 'make' | 'refuse'): Promise<DeviceStore> {
  if (database !== undefined) return openFile(database, ifMissing);
  // The schema of the settings takes most of a start; a command that is told its database needs none of it.
  const { loadConfig } = await import('../../config/load.ts');
  const result = loadConfig({ file });
  if (!result.ok) throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
  const { store, databasePath, postgres } = result.config.identity;
  if (store === 'postgres') {
    // Its library is not loaded for a registry in a file.
    const { PostgresDeviceStore } = await import('../postgres/store.ts');
    return PostgresDeviceStore.open(postgres, { make: ifMissing === 'make' });
  }
  if (databasePath !== '') return openFile(databasePath, ifMissing);
  throw new CommandFailure('identity.databasePath is empty: name the registry with --database', 2);
}

function openFile(path: string, ifMissing: 'make' | 'refuse'): DeviceRegistry {
  if (ifMissing === 'make' || existsSync(path)) return DeviceRegistry.open(path, { busyTimeoutMs });
  throw new CommandFailure(
    `device registry ${path}: no such file; devices add or import makes one, --database names another`,
  );
}

export const unknownDevice = (deviceId: string) => new CommandFailure(`there is no device ${deviceId}`);
