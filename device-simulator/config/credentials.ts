import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { Device } from '../core/fleet.ts';
import type { SecretSource } from './settings.ts';

/** A file of devices that cannot be used; the message says which line and why. */
export class CredentialsError extends Error {
  readonly code = 'unusable_credentials';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialsError';
  }
}

const columns = ['device_id', 'kind', 'bound_to', 'secret'] as const;

/**
 * The secret of a simulated device: 128 bits of HMAC-SHA-256 over its id. For tests only: who knows the seed knows every
 * secret. Real devices get random secrets from `npm run devices -- add`.
 */
export const derivedSecret = (seed: string, deviceId: string): string =>
  createHmac('sha256', seed).update(deviceId).digest().subarray(0, 16).toString('base64url');

/**
 * Secrets of all devices of a fleet by device id, or undefined: connect anonymously.
 *
 * @throws {CredentialsError} when a file cannot be read or lacks a device of the fleet
 */
export async function loadSecrets(
  source: SecretSource,
  fleet: readonly Device[],
): Promise<ReadonlyMap<string, string> | undefined> {
  if (source.kind === 'anonymous') return undefined;
  if (source.kind === 'seed') {
    return new Map(fleet.map(({ deviceId }) => [deviceId, derivedSecret(source.seed, deviceId)]));
  }
  const secrets = await readSecrets(source.path);
  const missing = fleet.find(({ deviceId }) => !secrets.has(deviceId));
  if (missing) throw new CredentialsError(`${source.path} has no device ${missing.deviceId}, which the fleet needs`);
  return secrets;
}

/** Writes what `npm run devices -- import` takes. Readable for its owner only: it holds secrets. */
export async function writeDevicesCsv(
  path: string,
  fleet: readonly Device[],
  secrets: ReadonlyMap<string, string>,
): Promise<void> {
  const lines = fleet.map(({ deviceId, kind, boundTo }) =>
    [deviceId, kind, boundTo, secrets.get(deviceId) ?? ''].join(','),
  );
  await writeFile(path, `${[columns.join(','), ...lines].join('\n')}\n`, { mode: 0o600 });
}

async function readSecrets(path: string): Promise<Map<string, string>> {
  let rows: Record<string, string>[];
  try {
    rows = parse(await readFile(path, 'utf8'), { columns: true, skip_empty_lines: true, trim: true, bom: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CredentialsError(`cannot read devices from ${path}: ${reason}`, { cause });
  }
  const secrets = new Map<string, string>();
  for (const [index, { device_id: deviceId, secret }] of rows.entries()) {
    if (!deviceId || !secret) throw new CredentialsError(`${path}, record ${index + 1}: needs device_id and secret`);
    secrets.set(deviceId, secret);
  }
  return secrets;
}
