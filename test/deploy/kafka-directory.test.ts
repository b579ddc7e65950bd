import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaDirectory } from '../../deploy/local/kafka-directory.ts';

describe('the directory of a local cluster', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafka-directory-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('keeps its cluster id from one start to the next', async () => {
    const first = await openKafkaDirectory(join(folder, 'kept'), 1);
    expect(await openKafkaDirectory(join(folder, 'kept'), 1)).toEqual(first);
  });

  it('is refused for a cluster of another size', async () => {
    await openKafkaDirectory(join(folder, 'single'), 1);
    await expect(openKafkaDirectory(join(folder, 'single'), 3)).rejects.toMatchObject({ code: 'wrong_directory' });
  });

  it.each(['file', 'file/below'])('is refused by name when it can be none: %s', async (name) => {
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, name);
    await expect(openKafkaDirectory(path, 1)).rejects.toMatchObject({
      code: 'wrong_directory',
      message: expect.stringContaining(path),
    });
  });
});
