import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeFiles } from '../../../gateway/spool/file-layer.ts';
import { surveySpool } from '../../../gateway/spool/survey.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, FaultyFiles, settingsFor, TestDirectory } from './support.ts';

const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 10_000, everyMs: 2, what });

/** Durable records, a hundred to a batch, and one batch to a group. */
async function spoolRecords({ sink }: Pick<Assembly, 'sink'>, count: number): Promise<string[]> {
  const settlements = new Settlements();
  const values = Array.from({ length: count }, (_, index) => `r${index}`);
  for (let from = 0; from < count; from += 100) {
    const group = values.slice(from, from + 100);
    for (const value of group) sink.append('events', `k${value.length}`, 1, textEncoder, value, settlements.of(value));
    await wait('durable records', () => settlements.settled.length === from + group.length);
  }
  return values;
}

function copyOf(directory: string, to: string): string {
  mkdirSync(to);
  for (const name of readdirSync(directory)) copyFileSync(join(directory, name), join(to, name));
  return to;
}

const segmentNames = async (directory: string) =>
  (await readdir(directory)).filter((name) => name.endsWith('.segment')).sort();

async function replayed(directory: string): Promise<{ values: string[]; assembly: Assembly }> {
  const target = new FakeTarget();
  const assembly = await assemble(settingsFor(directory), target);
  await wait('the replay', () => assembly.sink.state === 'direct' && assembly.spool.depth().records === 0);
  return { values: target.values(), assembly };
}

test('a crash while a disk that failed is tried out again takes nothing from the spool', async () => {
  await using directory = await TestDirectory.make();
  const files = new FaultyFiles();
  const settings = settingsFor(directory.path, { afterMs: 60_000 });
  const assembly = await assemble(settings, undefined, { files });
  const values = await spoolRecords(assembly, 3000);
  const target = new FakeTarget();
  target.goDown();
  assembly.sink.attach(target);
  await wait('the replay to begin', () => target.held.length > 200);
  // The cursor is to be moved behind the first batch, and cannot be written.
  files.failWrite = 'EIO';
  target.deliver(150);
  await wait('the failure', () => assembly.spool.block === 'failing');
  const crashes: string[] = [];
  const { remove } = files;
  files.remove = async (path) => {
    crashes.push(copyOf(directory.path, `${directory.path}-${crashes.length}`));
    await remove(path);
  };
  files.failWrite = undefined;
  await wait('recovery', () => assembly.spool.block === undefined);
  target.close();
  await assembly.close();
  expect(crashes.length).toBeGreaterThan(0);
  for (const crash of crashes) {
    const after = await replayed(crash);
    // All of the first batch is settled, half of the second one.
    expect(after.values.join()).toBe(values.slice(100).join());
    await after.assembly.close();
  }
});

test('a segment of which nothing can be read is reported and kept, not removed', async () => {
  await using directory = await TestDirectory.make();
  const early = await assemble(settingsFor(directory.path, { segmentBytes: 2000 }));
  await spoolRecords(early, 1000);
  await early.close();
  const names = await segmentNames(directory.path);
  const middle = names[2] as string;
  const garbage = Buffer.alloc(5000, 7);
  await writeFile(join(directory.path, middle), garbage);
  const { assembly, values } = await replayed(directory.path);
  expect(assembly.recording.of('damaged').map(([name]) => name)).toContain(middle);
  expect(values.length).toBeLessThan(1000);
  expect(values.at(-1)).toBe('r999');
  await assembly.close();
  expect(await readFile(join(directory.path, `${middle}.damaged`))).toEqual(garbage);
});

test('a segment that is kept as damaged is never overwritten by a later one', async () => {
  await using directory = await TestDirectory.make();
  const early = await assemble(settingsFor(directory.path));
  await early.close();
  const kept = join(directory.path, '0000000000000001.segment.damaged');
  await writeFile(kept, 'evidence');
  const late = await assemble(settingsFor(directory.path));
  await spoolRecords(late, 100);
  await late.close();
  expect(await segmentNames(directory.path)).not.toContain('0000000000000001.segment');
});

test('a survey beside a gateway that removes segments takes none of them for damage', async () => {
  await using directory = await TestDirectory.make();
  const assembly = await assemble(settingsFor(directory.path, { segmentBytes: 2000, afterMs: 60_000 }));
  await spoolRecords(assembly, 3000);
  const target = new FakeTarget();
  target.goDown();
  let isDone = false;
  const files = {
    ...nodeFiles,
    // While the survey is at the first segment, the gateway settles a half of what there is.
    async read(path: string) {
      const bytes = await nodeFiles.read(path);
      if (!isDone && path.endsWith('.segment')) {
        isDone = true;
        const before = assembly.spool.depth().bytes;
        assembly.sink.attach(target);
        await wait('the replay', () => target.held.length === 3000);
        target.deliver(1500);
        await wait('segments to be removed', () => assembly.spool.depth().bytes < before * 0.7);
      }
      return bytes;
    },
  };
  const survey = await surveySpool(files, directory.path);
  expect(isDone).toBe(true);
  expect(survey.segments.flatMap(({ damage }) => damage)).toEqual([]);
  expect(survey.segments.length).toBeGreaterThan(2);
  await assembly.close();
});
