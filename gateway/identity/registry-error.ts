export const registryErrorCodes = [
  /** The file can't be opened or made: folder missing, no permission, not a database. */
  'registry_unopenable',
  /** A newer version of this program has written it. */
  'registry_too_new',
  /** Another process holds the write lock longer than the busy timeout. */
  'registry_busy',
  'registry_failed',
] as const;
export type RegistryErrorCode = (typeof registryErrorCodes)[number];

/** The device registry can't be used. Its message names the file. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: RegistryErrorCode;

  constructor(code: RegistryErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** https://sqlite.org/rescode.html: the low byte is the primary code. */
const sqliteBusy = 5;
const sqliteLocked = 6;

/** Classifies whatever came out of SQLite; total. */
export function toRegistryError(path: string, error: unknown, otherwise: RegistryErrorCode = 'registry_failed') {
  if (error instanceof RegistryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const primary = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const code = primary === sqliteBusy || primary === sqliteLocked ? 'registry_busy' : otherwise;
  return new RegistryError(code, `device registry ${path}: ${message}`, error);
}
