import { DeviceRegistryError, type DeviceRegistryErrorCode } from '../registry-error.ts';

/** SQLSTATE, PostgreSQL's appendix A: a code, or the class that its first two characters are. */
const codes: readonly (readonly [prefix: string, code: DeviceRegistryErrorCode])[] = [
  // Invalid authorization; no such database; insufficient privilege; read-only transaction (a standby).
  ['28', 'registry_refused'],
  ['3D', 'registry_refused'],
  ['42501', 'registry_refused'],
  ['25006', 'registry_refused'],
  // Tables that are not there: somebody has removed them, or the search path is another one.
  ['42P01', 'registry_missing'],
  ['57014', 'registry_timeout'],
  ['55P03', 'registry_timeout'],
  // Connection exception; insufficient resources, such as too many connections; operator intervention, such as a shutdown.
  ['08', 'registry_unreachable'],
  ['53', 'registry_unreachable'],
  ['57', 'registry_unreachable'],
];

const advice: Partial<Record<DeviceRegistryErrorCode, string>> = {
  registry_refused: "; check identity.postgres (user, password, database) and the user's privileges",
  registry_unreachable: '; is the server running, and identity.postgres.url its address?',
  registry_missing: '; npm run devices -- add or import makes the tables, as does the start of a gateway',
};

/** The library's own errors have no codes. */
const timedOut = /timeout/i;
const unreachable = /terminated|not queryable|closed|ended|certificate|SSL|TLS/i;

/** Classifies whatever came out of the library; total. */
export function toPostgresError(name: string, error: unknown): DeviceRegistryError {
  if (error instanceof DeviceRegistryError) return error;
  const code = classify(error);
  const text = error instanceof Error ? textOf(error) : String(error);
  return new DeviceRegistryError(code, `device registry ${name}: ${text}${advice[code] ?? ''}`, error);
}

/** Several addresses of one name fail with one error that has no text of its own. */
const textOf = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map(String).join(', ') : error.message;

function classify(error: unknown): DeviceRegistryErrorCode {
  if (!(error instanceof Error)) return 'registry_failed';
  const { code } = error as NodeJS.ErrnoException;
  // Of the system's errors, ECONNREFUSED and the like, only those of a connection can occur here; so of TLS.
  if (typeof code === 'string' && /^(E[A-Z]{3,}|ERR_|[A-Z]+_[A-Z_]+$)/.test(code)) return 'registry_unreachable';
  if (typeof code === 'string' && code.length === 5) {
    return codes.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'registry_failed';
  }
  if (timedOut.test(error.message)) return 'registry_timeout';
  return unreachable.test(error.message) ? 'registry_unreachable' : 'registry_failed';
}
