import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { localEnvironment } from './environment.ts';
import { isAlive, withFileLock } from './file-lock.ts';
import { LocalServerError, type OnLog } from './progress.ts';

/** Where the fetched servers lie. */
export interface ServerJars {
  /** Class path of Kafka and its tools, with a wildcard: one directory of jars. */
  readonly kafkaClassPath: string;
  /** The registry's runnable jar. */
  readonly registryJar: string;
}

const POM = join(import.meta.dirname, 'pom.xml');
const FETCH_DEADLINE_MS = 15 * 60_000;
const PROGRESS_EVERY_MS = 10_000;

/**
 * Fetches the servers of `pom.xml` through Maven, once: later calls find them in the cache directory, under a name that
 * changes with the pom. Safe when several processes ask at once: one fetches, the others wait for it; a fetch appears
 * under its name only when complete.
 *
 * @param signal gives up a fetch that is under way
 * @throws {LocalServerError} `no_maven` or `fetch_failed`, saying what is missing and how to get it
 */
export function fetchServerJars(onLog: OnLog = () => undefined, signal?: AbortSignal): Promise<ServerJars> {
  // Kafka and the registry are started side by side; both ask.
  underWay ??= fetchOnce(onLog, signal).finally(() => {
    underWay = undefined;
  });
  return underWay;
}

let underWay: Promise<ServerJars> | undefined;

async function fetchOnce(onLog: OnLog, signal: AbortSignal | undefined): Promise<ServerJars> {
  const { cacheDir } = localEnvironment();
  const name = await cacheName(POM);
  const target = join(cacheDir, name);
  if (!existsSync(target)) {
    await mkdir(cacheDir, { recursive: true });
    await withFileLock(join(cacheDir, `${name}.lock`), { deadlineMs: FETCH_DEADLINE_MS, onLog, signal }, async () => {
      if (!existsSync(target)) {
        await fetchInto(cacheDir, target, onLog, signal);
      }
    });
  }
  return { kafkaClassPath: join(target, 'kafka', '*'), registryJar: await registryJar(join(target, 'registry')) };
}

/** A directory name that identifies the content of a pom. */
export async function cacheName(pom: string): Promise<string> {
  const hash = createHash('sha256').update(await readFile(pom));
  return `servers-${hash.digest('hex').slice(0, 16)}`;
}

async function fetchInto(
  cacheDir: string,
  target: string,
  onLog: OnLog,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unfinished = `${target}.unfinished-${process.pid}`;
  await removeLeftovers(cacheDir);
  onLog('fetching Kafka and the schema registry through Maven (about 150 MB, once)');
  const started = performance.now();
  const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const progress = setInterval(() => onLog(`still fetching, ${elapsed()}`), PROGRESS_EVERY_MS);
  try {
    await runMaven(unfinished, signal);
    await publish(unfinished, target);
    onLog(`fetched in ${elapsed()}, kept in ${target}`);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  } finally {
    clearInterval(progress);
  }
}

/** Gives a complete fetch its name; of two that were made at the same time the first stays, they are alike. */
async function publish(unfinished: string, target: string): Promise<void> {
  try {
    await rename(unfinished, target);
  } catch (error) {
    if (!existsSync(target)) {
      throw error;
    }
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What a fetch left behind whose process was killed. */
async function removeLeftovers(cacheDir: string): Promise<void> {
  const leftovers = (await readdir(cacheDir)).filter((entry) => {
    const pid = /\.unfinished-(\d+)$/.exec(entry)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  await Promise.all(leftovers.map((entry) => rm(join(cacheDir, entry), { recursive: true, force: true })));
}

async function runMaven(outputDir: string, signal: AbortSignal | undefined): Promise<void> {
  const goals = [
    '-B',
    '-q',
    '-ntp',
    '-Dstyle.color=never',
    '-f',
    POM,
    'process-resources',
    `-Dtarget.dir=${outputDir}`,
  ];
  try {
    await promisify(execFile)('mvn', goals, { timeout: FETCH_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw mavenError(cause as NodeJS.ErrnoException & { stdout?: string; stderr?: string });
  }
}

/** Turns Maven's failure into a message that says what is missing; its own first errors are kept, they name hosts and files. */
export function mavenError(cause: NodeJS.ErrnoException & { stdout?: string; stderr?: string }): LocalServerError {
  if (cause.code === 'ENOENT') {
    return new LocalServerError(
      'no_maven',
      'no Maven: mvn is not on the PATH; it is needed once, to fetch Kafka and the schema registry (Debian and Ubuntu: apt-get install maven; macOS: brew install maven)',
      { cause },
    );
  }
  const said = `${cause.stdout ?? ''}\n${cause.stderr ?? ''}`.split('\n').filter((line) => /\[ERROR\] +\S/.test(line));
  const excerpt = said.length > 0 ? said.slice(0, 2).join('\n') : cause.message;
  return new LocalServerError(
    'fetch_failed',
    `Maven could not fetch Kafka and the schema registry; is the Maven repository reachable from here, or the mirror in ~/.m2/settings.xml? Maven says:\n${excerpt}`,
    { cause },
  );
}

async function registryJar(dir: string): Promise<string> {
  const jar = (await readdir(dir)).find((entry) => entry.endsWith('-runner.jar'));
  if (jar === undefined) {
    throw new LocalServerError('fetch_failed', `no registry jar in ${dir}: remove that directory and start again`);
  }
  return join(dir, jar);
}
