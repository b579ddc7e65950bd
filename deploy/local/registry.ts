import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findJava } from './java.ts';
import { makeDirectory } from './make-directory.ts';
import { fetchServerJars } from './maven.ts';
import { assertPortFree, freePort } from './ports.ts';
import type { LocalServerError, OnLog } from './progress.ts';
import { type ServerProcess, spawnServer, untilReady } from './server-process.ts';

export interface RegistryOptions {
  /** A free one when not given. */
  readonly port?: number;
  /** Holds the registry's log and its schemas, kept for the next start. When not given: temporary, schemas in memory. */
  readonly dir?: string;
  readonly onLog?: OnLog;
  /** Gives up a start that is under way. Does nothing afterwards. */
  readonly signal?: AbortSignal;
  /** Called when the registry ends without having been asked to. */
  readonly onUnexpectedEnd?: (error: LocalServerError) => void;
}

/** A running schema registry that speaks the Confluent REST API on 127.0.0.1. */
export interface LocalRegistry {
  /** Base address of the API: `http://127.0.0.1:port/apis/ccompat/v7`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

const NAME = 'the schema registry';
const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 10_000;
const API_PATH = '/apis/ccompat/v7';

/**
 * Starts Apicurio Registry.
 *
 * @throws {LocalServerError} saying what is missing, taken or broken, and what to do
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<LocalRegistry> {
  const port = options.port ?? (await freePort());
  await assertPortFree(port, NAME);
  const [java, jars] = await Promise.all([findJava(), fetchServerJars(options.onLog, options.signal)]);
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'edge-registry-')) : resolve(options.dir);
  await makeDirectory(dir);
  options.onLog?.('starting a schema registry');
  const started = performance.now();
  const storage =
    options.dir === undefined ? [] : [`-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(dir, 'schemas')}`];
  const args = [...REGISTRY_FLAGS, ...storage, `-Dquarkus.http.port=${port}`, '-jar', jars.registryJar];
  const url = `http://127.0.0.1:${port}${API_PATH}`;
  const server = await launch(java, args, dir, url, options);
  options.onLog?.(
    `the schema registry is ready after ${((performance.now() - started) / 1000).toFixed(1)} s, process ${server.pid}`,
  );
  const close = async (): Promise<void> => {
    await server.stop(STOP_DEADLINE_MS);
    await removeIfTemporary(dir, options);
  };
  return { url, port, pid: server.pid, close };
}

async function launch(
  command: string,
  args: readonly string[],
  dir: string,
  url: string,
  options: RegistryOptions,
): Promise<ServerProcess> {
  const consoleLog = join(dir, 'registry.log');
  let ready = false;
  // Until it is ready, its end is reported by the wait below.
  const onUnexpectedEnd = (error: LocalServerError): void => {
    if (ready) {
      options.onUnexpectedEnd?.(error);
    }
  };
  const temporaryDir = options.dir === undefined ? dir : undefined;
  const server = await spawnServer({
    name: NAME,
    command,
    args,
    workDir: dir,
    consoleLog,
    temporaryDir,
    onUnexpectedEnd,
  });
  const readiness = { name: NAME, consoleLog, deadlineMs: READY_DEADLINE_MS, signal: options.signal };
  try {
    await untilReady(server, () => answers(`${url}/subjects`), readiness);
    ready = true;
    return server;
  } catch (error) {
    await server.kill();
    await removeIfTemporary(dir, options);
    throw error;
  }
}

async function removeIfTemporary(dir: string, options: RegistryOptions): Promise<void> {
  if (options.dir === undefined) {
    await rm(dir, { recursive: true, force: true });
  }
}

async function answers(address: string): Promise<boolean> {
  const response = await fetch(address, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.ok;
}

const REGISTRY_FLAGS = [
  '-Xmx300m',
  '-XX:+UseSerialGC',
  // It answers a few requests at the start of a run; the optimising compiler would never earn back its time.
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Dquarkus.http.host=127.0.0.1',
  '-Dquarkus.log.level=WARN',
  '-Dquarkus.banner.enabled=false',
  // By default it opens 20 database connections before it is ready.
  '-Dquarkus.datasource.jdbc.initial-size=2',
  '-Dquarkus.datasource.jdbc.min-size=2',
];
