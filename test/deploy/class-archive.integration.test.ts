import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { classArchiveFlags, classArchivePath } from '../../deploy/local/class-archive.ts';
import { findJava } from '../../deploy/local/java.ts';
import { makeClassArchive, verifyClassArchive } from '../../deploy/local/make-class-archive.ts';
import { fetchServerJars } from '../../deploy/local/maven.ts';

describe('the archive of classes', () => {
  let dir = '';
  let classPath = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edge-classes-'));
    await symlink(dirname((await fetchServerJars()).kafkaClassPath), join(dir, 'kafka'));
    classPath = join(dir, 'kafka', '*');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('is made once, fits, and leaves nothing else behind', async () => {
    const java = await findJava();
    const archive = await classArchivePath(java, classPath);
    expect(classArchiveFlags(archive)).toEqual([]);
    const lines: string[] = [];
    await Promise.all([1, 2].map(() => makeClassArchive(java, classPath, (line) => lines.push(line))));
    expect(lines.filter((line) => line.includes('preparing'))).toHaveLength(1);
    expect(readdirSync(dir).sort()).toEqual(['kafka', archive.slice(dir.length + 1)].sort());
    expect(classArchiveFlags(archive)[0]).toContain(archive);
    await verifyClassArchive(java, classPath, archive);
  });

  test('is refused when it was cut off, which would end every Java machine that uses it', async () => {
    const java = await findJava();
    const fitting = await classArchivePath(java, (await fetchServerJars()).kafkaClassPath);
    await makeClassArchive(java, (await fetchServerJars()).kafkaClassPath);
    const copy = join(dir, 'cut.jsa');
    await writeFile(copy, await readFile(fitting));
    await truncate(copy, 3_000_000);
    await expect(verifyClassArchive(java, (await fetchServerJars()).kafkaClassPath, copy)).rejects.toThrow();
  });

  test('is done without where it cannot be made', async () => {
    const lines: string[] = [];
    const nowhere = join(dir, 'missing', 'kafka', '*');
    await makeClassArchive(await findJava(), nowhere, (line) => lines.push(line));
    expect(lines.join()).toContain('start slowly');
  });
});
