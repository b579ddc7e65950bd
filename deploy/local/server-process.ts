import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { LocalServerError } from './progress.ts';
import { waitFor } from './wait-for.ts';

/** How a process ended: its exit code, or the signal that ended it. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A server that runs as a child process. It has a process group of its own, so that Ctrl-C in a terminal reaches only
 * this process, which then ends its servers in order; and a watchdog that ends it when this process is gone, however
 * that came about.
 */
export interface ServerProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL if it still runs after the deadline. */
  stop(deadlineMs: number): Promise<ProcessEnd>;
  /** SIGKILL. */
  kill(): Promise<ProcessEnd>;
}

export interface SpawnServerOptions {
  /** As it should read in messages, e.g. `Kafka broker 1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly workDir: string;
  /** Standard output and error are appended here. */
  readonly consoleLog: string;
  /** A directory that is removed when this process ends without having ended the server, so that nobody else will. */
  readonly temporaryDir: string | undefined;
  /** Somebody else than who runs this process, for a server that refuses to run as root. */
  readonly runAs?: { readonly uid: number; readonly gid: number } | undefined;
  /** Called when the process ends without having been asked to. */
  readonly onUnexpectedEnd?: (error: LocalServerError) => void;
}

/** Starts a server process; that it started says nothing about its being ready. */
export async function spawnServer(options: SpawnServerOptions): Promise<ServerProcess> {
  const log = openSync(options.consoleLog, 'a');
  let child: ChildProcess;
  try {
    child = spawn(options.command, options.args, {
      cwd: options.workDir,
      stdio: ['ignore', log, log],
      detached: true,
      ...options.runAs,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } finally {
    closeSync(log);
  }
  return superviseServer(child, options);
}

function superviseServer(child: ChildProcess, options: SpawnServerOptions): ServerProcess {
  const pid = child.pid as number;
  const watchdog = spawnWatchdog(pid, options.temporaryDir);
  let asked = false;
  let running = true;
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      running = false;
      // The watchdog first: once the child is reaped its id may belong to another process.
      watchdog.kill('SIGKILL');
      resolve({ exitCode, signal });
      if (!asked) {
        void diedError(options, { exitCode, signal }).then((error) => options.onUnexpectedEnd?.(error));
      }
    });
  });
  const kill = (): Promise<ProcessEnd> => {
    asked = true;
    child.kill('SIGKILL');
    return ended;
  };
  return {
    pid,
    ended,
    isRunning: () => running,
    signal: (signal) => {
      child.kill(signal);
    },
    stop: (deadlineMs) => {
      asked = true;
      child.kill('SIGTERM');
      // A process that is stopped by SIGSTOP gets to see SIGTERM only when it goes on.
      child.kill('SIGCONT');
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      return ended.finally(() => clearTimeout(timer));
    },
    kill,
  };
}

/**
 * A shell that waits on a pipe held by this process. The pipe closes when this process ends, even by SIGKILL; then the
 * shell kills the server and removes what was made for this run. It has a session of its own, so that Ctrl-C does not end it before its time.
 */
function spawnWatchdog(pid: number, temporaryDir: string | undefined): ChildProcess {
  const script = 'read -r line; kill -9 "$0"; [ -z "$1" ] || rm -rf -- "$1"';
  const watchdog = spawn('/bin/sh', ['-c', script, String(pid), temporaryDir ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  // The pipe breaks when the watchdog is ended together with its server; nothing is ever written to it.
  watchdog.stdin?.on('error', () => undefined);
  watchdog.on('error', () => undefined);
  return watchdog;
}

export interface ReadyOptions extends Pick<SpawnServerOptions, 'name' | 'consoleLog'> {
  readonly deadlineMs: number;
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until `isReady` answers true, and gives up at once when the process ends.
 *
 * @throws {LocalServerError} `server_died` or `not_ready`, with the last lines of the server's output; or the signal's reason
 */
export async function untilReady(
  server: ServerProcess,
  isReady: () => Promise<boolean>,
  options: ReadyOptions,
): Promise<void> {
  const gone = new AbortController();
  void server.ended.then(() => gone.abort());
  const signals = options.signal === undefined ? [gone.signal] : [gone.signal, options.signal];
  try {
    await waitFor(isReady, {
      deadlineMs: options.deadlineMs,
      everyMs: 100,
      what: `${options.name} to be ready`,
      signal: AbortSignal.any(signals),
    });
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (!server.isRunning()) {
      throw await diedError(options, await server.ended);
    }
    const tail = await lastLines(options.consoleLog);
    const waited = `${options.name} was not ready after ${options.deadlineMs / 1000} s`;
    throw new LocalServerError('not_ready', `${waited}; the end of ${options.consoleLog}:\n${tail}`, { cause });
  }
}

async function diedError(
  options: Pick<SpawnServerOptions, 'name' | 'consoleLog'>,
  end: ProcessEnd,
): Promise<LocalServerError> {
  const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
  const tail = await lastLines(options.consoleLog);
  return new LocalServerError(
    'server_died',
    `${options.name} ended with ${how}; the end of ${options.consoleLog}:\n${tail}`,
  );
}

/** The last lines of a log file, at most 4 kB of it; empty when there is none. */
export async function lastLines(path: string, count = 15): Promise<string> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const length = Math.min(size, 4096);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}
