import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryLock, type LockRefusal } from '../../../gateway/directory-lock/directory-lock.ts';

const modulePath = join(import.meta.dirname, '../../../gateway/directory-lock/directory-lock.ts');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'directory-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const take = (path = directory) => DirectoryLock.take(path, (refusal) => new Error(JSON.stringify(refusal)));
const refused = (refusal: LockRefusal) => JSON.stringify(refusal);

describe('the lock of a directory', () => {
  it('is held by one at a time', () => {
    const lock = take();
    expect(() => take()).toThrow(refused({ isTaken: true }));
    lock.release();
    take().release();
  });

  it('is let go of by the system when its process is killed', async () => {
    const script = `import { DirectoryLock } from ${JSON.stringify(pathToFileURL(modulePath).href)};
      DirectoryLock.take(${JSON.stringify(directory)}, () => new Error());
      console.log('taken');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    expect(() => take()).toThrow(refused({ isTaken: true }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    take().release();
  });

  it('is refused in words where there can be none', () => {
    expect(() => take(join(directory, 'missing'))).toThrow('unable to open database file');
  });
});
