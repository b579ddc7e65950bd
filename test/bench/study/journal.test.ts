import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../bench/study/journal.ts';

describe('the journal of a study', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edge-journal-'));
    file = join(folder, 'study.jsonl');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is empty when its file does not exist yet', async () => {
    const journal = await Journal.open(file);
    expect(journal.has('a')).toBe(false);
    expect(journal.get('a')).toBeUndefined();
  });

  it('has what an earlier process put into it', async () => {
    const earlier = await Journal.open(file);
    await earlier.put('a', { figure: 1.5 });
    await earlier.put('b', null);
    const later = await Journal.open(file);
    expect(later.get('a')).toEqual({ figure: 1.5 });
    expect(later.has('b')).toBe(true);
  });

  it('goes on behind a line that was cut off', async () => {
    const earlier = await Journal.open(file);
    await earlier.put('a', 1);
    await appendFile(file, '\n{"key":"b","val');
    const journal = await Journal.open(file);
    expect(journal.has('b')).toBe(false);
    await journal.put('b', 2);
    const later = await Journal.open(file);
    expect([later.get('a'), later.get('b')]).toEqual([1, 2]);
  });

  it('remembers without a file as long as the process lives', async () => {
    const journal = await Journal.open(undefined);
    await journal.put('a', 1);
    expect(journal.get('a')).toBe(1);
  });
});
