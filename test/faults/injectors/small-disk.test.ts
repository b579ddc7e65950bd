import { existsSync } from 'node:fs';
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmallDisk } from '../../../faults/injectors/small-disk.ts';

const SIZE_BYTES = 4 * 1024 * 1024;

// Where user namespaces are not allowed, the scenarios that want a disk are reported as not run.
describe.runIf(await SmallDisk.isAvailable())('a small disk', () => {
  it('takes files up to its size, and no more', async () => {
    await using disk = await SmallDisk.mount({ sizeBytes: SIZE_BYTES });
    const file = join(disk.path, 'kept');
    await writeFile(file, 'kept');
    expect(await readFile(file, 'utf8')).toBe('kept');
    await expect(writeFile(join(disk.path, 'too-large'), Buffer.alloc(SIZE_BYTES))).rejects.toMatchObject({
      code: 'ENOSPC',
    });
  });

  it('is full to the last page after a fill, also after a second one, and empty again when freed', async () => {
    await using disk = await SmallDisk.mount({ sizeBytes: SIZE_BYTES });
    const file = join(disk.path, 'written');
    await writeFile(file, Buffer.alloc(64 * 1024));
    await disk.fill();
    expect((await statfs(disk.path)).bavail).toBe(0);
    await rm(file);
    expect((await statfs(disk.path)).bavail).toBeGreaterThan(0);
    await disk.fill();
    await expect(writeFile(file, 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
    await disk.free();
    await writeFile(file, 'x');
    expect(await readFile(file, 'utf8')).toBe('x');
    await disk.free();
  });

  it('is filled at once, however much room it has', async () => {
    const tebibyte = 1024 ** 4;
    await using disk = await SmallDisk.mount({ sizeBytes: tebibyte });
    const { bavail, bsize } = await statfs(disk.path);
    expect(bavail * bsize).toBeGreaterThan(tebibyte / 2);
    await disk.fill();
    await expect(writeFile(join(disk.path, 'more'), 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('leaves nothing behind', async () => {
    const disk = await SmallDisk.mount({ sizeBytes: SIZE_BYTES });
    const { path } = disk;
    const mountPoint = path.replace(/^\/proc\/\d+\/root/, '').replace(/\/files$/, '');
    expect(existsSync(mountPoint)).toBe(true);
    await disk.close();
    expect(existsSync(path)).toBe(false);
    expect(existsSync(mountPoint)).toBe(false);
    await disk.close();
  });
});
