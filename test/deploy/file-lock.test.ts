import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withFileLock } from '../../deploy/local/file-lock.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edge-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('lets one work at a time, and leaves nothing behind', async () => {
  let atWork = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++atWork);
    await new Promise((resolve) => setImmediate(resolve));
    atWork--;
  };
  const lock = join(dir, 'lock');
  await Promise.all([1, 2, 3].map(() => withFileLock(lock, { deadlineMs: 10_000 }, work)));
  expect(most).toBe(1);
  expect(await readdir(dir)).toEqual([]);
});

test('is released when the work fails', async () => {
  const lock = join(dir, 'lock');
  await expect(withFileLock(lock, { deadlineMs: 1000 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withFileLock(lock, { deadlineMs: 1000 }, async () => 'done')).toBe('done');
});

test('takes over the lock of a process that is gone', async () => {
  const lock = join(dir, 'lock');
  // Above the highest process id of any system.
  await writeFile(lock, '999999999');
  const holder = await withFileLock(lock, { deadlineMs: 10_000 }, () => readFile(lock, 'utf8'));
  expect(Number(holder)).toBe(process.pid);
});

test('gives up on a lock whose process lives, and names it', async () => {
  const lock = join(dir, 'lock');
  await writeFile(lock, String(process.ppid));
  await expect(withFileLock(lock, { deadlineMs: 30 }, async () => undefined)).rejects.toThrow(lock);
});
