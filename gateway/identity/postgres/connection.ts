import { readFileSync } from 'node:fs';
import { type ClientConfig, Client as PgClient } from 'pg';
import { DeviceRegistryError } from '../registry-error.ts';

export interface PostgresSettings {
  /** `postgresql://user@host:port/database`; a password in it counts when there is no other. */
  readonly url: string;
  readonly password: string;
  readonly passwordFile: string;
  readonly tls: PostgresTls;
  /** Connections for reading and changing rows; one more listens. */
  readonly maxConnections: number;
  /** Readings that may wait for one of them. */
  readonly maxWaiting: number;
  /** Time for making a connection, and for the answer to a statement. */
  readonly timeoutMs: number;
}

export interface PostgresTls {
  readonly enabled: boolean;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Timeouts {
  readonly connectMs: number;
  readonly statementMs: number;
}

const usualTimeouts = ({ timeoutMs }: PostgresSettings): Timeouts => ({ connectMs: timeoutMs, statementMs: timeoutMs });

const applicationName = 'edge-ingest-gateway';
const defaultPort = 5432;
/** An import that has died must not keep its locks. */
const longestIdleInTransactionMs = 60_000;

/** Address and database, without user name and password: for messages. */
export function nameOf({ url }: PostgresSettings): string {
  const { hostname, port, pathname } = new URL(url);
  return `postgresql://${hostname}:${port === '' ? defaultPort : port}${pathname}`;
}

/**
 * A connection that is not open yet. Its files are read now, its password when the server asks for it: what was exchanged
 * counts from the next connection on.
 *
 * @throws {DeviceRegistryError} `registry_refused` when a file can't be read.
 */
export class PostgresConnection extends PgClient {
  constructor(settings: PostgresSettings, timeouts: Timeouts = usualTimeouts(settings)) {
    super(clientConfig(settings, timeouts));
  }

  /** Ends it without a word: a server that is gone would be waited for. */
  abandon(): void {
    this.connection.stream.destroy();
  }
}

/** Everything is said: what is left out, the library would look for in the environment. */
function clientConfig(settings: PostgresSettings, { connectMs, statementMs }: Timeouts): ClientConfig {
  const { hostname, port, username, pathname } = new URL(settings.url);
  const database = decodeURIComponent(pathname.slice(1));
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? defaultPort : Number(port),
    user: decodeURIComponent(username),
    database,
    password: () => passwordOf(settings),
    ssl: settings.tls.enabled ? tlsOptions(settings.tls) : false,
    application_name: applicationName,
    keepAlive: true,
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs,
    // The server gives up as well: a statement that nobody waits for holds no locks.
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: longestIdleInTransactionMs,
  };
}

function passwordOf({ url, password, passwordFile }: PostgresSettings): string {
  if (passwordFile !== '') return readSecret(passwordFile, 'password').trimEnd();
  return password === '' ? decodeURIComponent(new URL(url).password) : password;
}

/** The server's certificate and its name are always verified; without `caFile` by the authorities that Node knows. */
function tlsOptions({ caFile, certFile, keyFile }: PostgresTls) {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(caFile === '' ? {} : { ca: readSecret(caFile, 'authorities') }),
    ...(certFile === '' ? {} : { cert: readSecret(certFile, 'certificate'), key: readSecret(keyFile, 'private key') }),
  } as const;
}

function readSecret(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const message = `${what} ${path} of the device registry can't be read (${code}): a file that this process may read is needed`;
    throw new DeviceRegistryError('registry_refused', message);
  }
}
