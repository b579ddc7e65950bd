import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findJava } from './java.ts';
import { fetchServerJars } from './maven.ts';
import { assertPortFree, freePort } from './ports.ts';
import type { LocalServerError, OnLog } from './progress.ts';
import { spawnServer, untilReady } from './server-process.ts';

export interface RegistryOptions {
  /** A free one when not given. */
  readonly port?: number;
  /** Holds the registry's log; schemas are in memory only. Temporary when not given. */
  readonly dir?: string;
  readonly onLog?: OnLog;
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

const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 10_000;
const API_PATH = '/apis/ccompat/v7';

/**
 * Starts Apicurio Registry, which keeps its schemas in memory.
 *
 * @throws {LocalServerError} saying what is missing, taken or broken, and what to do
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<LocalRegistry> {
  const name = 'the schema registry';
  const port = options.port ?? (await freePort());
  await assertPortFree(port, name);
  const [java, jars] = await Promise.all([findJava(), fetchServerJars(options.onLog)]);
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'edge-registry-')) : resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const consoleLog = join(dir, 'registry.log');
  const url = `http://127.0.0.1:${port}${API_PATH}`;
  options.onLog?.('starting a schema registry');
  const started = performance.now();
  let ready = false;
  const server = await spawnServer({
    name,
    command: java,
    args: [...REGISTRY_FLAGS, `-Dquarkus.http.port=${port}`, '-jar', jars.registryJar],
    workDir: dir,
    consoleLog,
    onUnexpectedEnd: (error) => ready && options.onUnexpectedEnd?.(error),
  });
  const close = async (): Promise<void> => {
    await server.stop(STOP_DEADLINE_MS);
    if (options.dir === undefined) {
      await rm(dir, { recursive: true, force: true });
    }
  };
  try {
    await untilReady(server, () => answers(`${url}/subjects`), { name, consoleLog, deadlineMs: READY_DEADLINE_MS });
  } catch (error) {
    await close();
    throw error;
  }
  ready = true;
  options.onLog?.(`the schema registry is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return { url, port, pid: server.pid, close };
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
];
