import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileWatch } from '../../../gateway/files/file-watch.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-watch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string): string => {
  const path = join(folder, name);
  writeFileSync(path, name);
  return path;
};

/** A watch, and what each look of it finds. */
function watchOver(...paths: string[]) {
  const found: (readonly string[])[] = [];
  const watch = new FileWatch(
    () => paths,
    (changed) => found.push(changed),
  );
  const look = async () => {
    await watch.look();
    return found.splice(0);
  };
  return { watch, look };
}

describe('the watch over files', () => {
  it('tells a file that was written, replaced, removed or linked to another one, and no other', async () => {
    const [file, other, link] = [written('watched'), written('other'), join(folder, 'link')];
    symlinkSync(other, link);
    const { look } = watchOver(file, link);
    expect(await look()).toEqual([]);
    expect(await look()).toEqual([]);
    writeFileSync(file, 'longer than before');
    expect(await look()).toEqual([[file]]);
    writeFileSync(`${file}.new`, 'longer than before');
    renameSync(`${file}.new`, file);
    expect(await look()).toEqual([[file]]);
    unlinkSync(link);
    symlinkSync(file, link);
    expect(await look()).toEqual([[link]]);
    unlinkSync(file);
    expect(await look()).toEqual([[file, link]]);
    expect(await look()).toEqual([]);
  });

  it('tells once what has changed together', async () => {
    const paths = ['a', 'b', 'c'].map(written);
    const { look } = watchOver(...paths);
    await look();
    for (const path of paths) writeFileSync(path, 'changed');
    expect(await look()).toEqual([paths]);
  });

  it('tells with its first look what was replaced since the mark', async () => {
    const [file, gone] = [written('marked'), written('soon gone')];
    const { watch, look } = watchOver(file, gone);
    watch.mark();
    expect(await look()).toEqual([]);
    watch.mark();
    writeFileSync(file, 'replaced');
    unlinkSync(gone);
    expect(await look()).toEqual([[file, gone]]);
  });
});
