import { CodedError } from '../core/coded-error.ts';

export const registryErrorCodes = [
  /** The file can't be opened or made: folder missing, no permission, not a database. */
  'registry_unopenable',
  /** A newer version of this program has written it. */
  'registry_too_new',
  /** The database has no tables of the registry, and nobody asked to make them. */
  'registry_missing',
  /** Another process holds the write lock longer than the busy timeout. */
  'registry_busy',
  /** The server can't be reached, or closes connections. */
  'registry_unreachable',
  /** The server did not answer in time. */
  'registry_timeout',
  /** The server refuses the login, the database, or what the user may do in it. */
  'registry_refused',
  /** As many wait for the server as may. */
  'registry_overloaded',
  'registry_failed',
] as const;
export type DeviceRegistryErrorCode = (typeof registryErrorCodes)[number];

/** The device registry can't be used. Its message names the file or the address. */
export class DeviceRegistryError extends CodedError<DeviceRegistryErrorCode> {
  override readonly name = 'DeviceRegistryError';
}

/** https://sqlite.org/rescode.html: the low byte is the primary code. */
const sqliteBusy = 5;
const sqliteLocked = 6;

/** Classifies whatever came out of SQLite; total. */
export function toDeviceRegistryError(
  path: string,
  error: unknown,
  otherwise: DeviceRegistryErrorCode = 'registry_failed',
) {
  if (error instanceof DeviceRegistryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const primary = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const code = primary === sqliteBusy || primary === sqliteLocked ? 'registry_busy' : otherwise;
  return new DeviceRegistryError(code, `device registry ${path}: ${message}`, error);
}
