import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { localEnvironment } from '../../../deploy/local/environment.ts';
import { withFileLock } from '../../../deploy/local/file-lock.ts';
import { freePort } from '../../../deploy/local/ports.ts';
import { spawnServer, untilReady } from '../../../deploy/local/server-process.ts';

const requirements = join(import.meta.dirname, 'requirements.txt');
const installDeadlineMs = 600_000;
const readyDeadlineMs = 60_000;
const stopDeadlineMs = 5000;
const run = promisify(execFile);

/** moto's emulation of AWS on 127.0.0.1. */
export interface MotoServer extends AsyncDisposable {
  readonly endpoint: string;
}

/** Starts moto; the first time, installs it into the cache directory. @throws {Error} saying what is missing */
export async function startMoto(): Promise<MotoServer> {
  const environment = await installed();
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'edge-moto-'));
  const consoleLog = join(dir, 'moto.log');
  const server = await spawnServer({
    name: 'moto',
    command: join(environment, 'bin', 'python'),
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    workDir: dir,
    consoleLog,
    temporaryDir: dir,
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    await server.stop(stopDeadlineMs);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await untilReady(server, () => answers(endpoint), { name: 'moto', consoleLog, deadlineMs: readyDeadlineMs });
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, [Symbol.asyncDispose]: close };
}

async function answers(endpoint: string): Promise<boolean> {
  const response = await fetch(`${endpoint}/moto-api/data.json`, { signal: AbortSignal.timeout(5000) });
  await response.arrayBuffer();
  return response.ok;
}

/** A virtual environment of exactly these requirements, made once, under a name that changes with them. */
async function installed(): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const { cacheDir } = localEnvironment();
  const target = join(cacheDir, `moto-${digest}`);
  const complete = join(target, 'complete');
  if (existsSync(complete)) return target;
  await mkdir(cacheDir, { recursive: true });
  await withFileLock(`${target}.lock`, { deadlineMs: installDeadlineMs }, async () => {
    if (existsSync(complete)) return;
    await rm(target, { recursive: true, force: true });
    await install(target);
    await mkdir(`${complete}.new`);
    await rename(`${complete}.new`, complete);
  });
  return target;
}

async function install(target: string): Promise<void> {
  const options = { timeout: installDeadlineMs, maxBuffer: 2 ** 24 };
  await run('python3', ['-m', 'venv', target], options).catch((error: unknown) => {
    throw missing('Python 3.10 or newer with its venv module (`python3 -m venv`)', error);
  });
  const pip = join(target, 'bin', 'pip');
  const args = ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', requirements];
  await run(pip, args, options).catch((error: unknown) => {
    throw missing("the packages of test/support/moto/requirements.txt, which pip couldn't install", error);
  });
}

const missing = (what: string, cause: unknown): Error => {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`the tests against AWS Glue's emulation need ${what}: ${reason}`, { cause });
};
