import { readFile, rm, writeFile } from 'node:fs/promises';
import type { OnLog } from './progress.ts';
import { waitFor } from './wait-for.ts';

export interface FileLockOptions {
  /** How long to wait for another process that holds the lock. */
  readonly deadlineMs: number;
  readonly onLog?: OnLog;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` while holding a lock file that carries this process's id. A lock whose process is gone is taken over.
 * Two processes that take over at the same instant may both hold it: callers keep this harmless by working in a
 * directory of their own and renaming it at the end; the lock only saves double work.
 *
 * @throws {Error} when another process holds the lock longer than the deadline, and whatever `work` throws
 */
export async function withFileLock<T>(path: string, options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  let announced = false;
  await waitFor(
    async () => {
      if (await tryLock(path)) {
        return true;
      }
      if (!announced) {
        announced = true;
        options.onLog?.('waiting for another process that fetches the same files');
      }
      return false;
    },
    {
      deadlineMs: options.deadlineMs,
      everyMs: 200,
      what: `the lock ${path}; if no other process is at work, remove it`,
      signal: options.signal,
    },
  );
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  // An empty file is a lock just being written: its holder is looked at again on the next turn.
  if (holder > 0 && !isAlive(holder)) {
    await rm(path, { force: true });
  }
  return false;
}

/** Whether a process with this id exists, also when it belongs to somebody else. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
