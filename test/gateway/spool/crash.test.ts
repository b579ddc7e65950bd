import { cp, open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordCursor } from '../../../gateway/record-batch/record-cursor.ts';
import { nodeFiles } from '../../../gateway/spool/file-layer.ts';
import { surveySpool } from '../../../gateway/spool/survey.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { assemble, FakeTarget, settingsFor, TestDirectory } from './support.ts';

interface WrittenFrame {
  readonly segment: string;
  readonly at: number;
  readonly end: number;
  readonly groupFirst: number;
  readonly values: readonly string[];
}

/** Fills a spool with groups of so many records each. Nothing is replayed. */
async function fill(directory: string, groups: readonly number[]): Promise<WrittenFrame[]> {
  const { sink, close } = await assemble(settingsFor(directory, { segmentBytes: 2000 }));
  const settlements = new Settlements();
  let sent = 0;
  for (const records of groups) {
    for (let i = 0; i < records; i++) {
      const value = `record-${sent}`;
      sink.append(i % 5 === 0 ? 'others' : 'events', `k${sent % 3}`, sent, textEncoder, value, settlements.of(value));
      sent += 1;
    }
    await waitFor(() => settlements.settled.length === sent, { deadlineMs: 5000, everyMs: 1, what: 'durable records' });
  }
  await close();
  return framesOf(directory);
}

async function framesOf(directory: string): Promise<WrittenFrame[]> {
  const written: WrittenFrame[] = [];
  await surveySpool(nodeFiles, directory, (segment, frames) => {
    for (const { at, frame } of frames) {
      const values: string[] = [];
      const cursor = new RecordCursor(frame.batch);
      while (cursor.next()) values.push(cursor.source.toString('utf8', cursor.valueAt, cursor.valueEnd));
      written.push({ segment, at, end: frame.end, groupFirst: frame.groupFirst, values });
    }
  });
  return written;
}

/** What comes out of a spool, and what it said about damage. */
async function replay(directory: string): Promise<{ values: string[]; damaged: boolean }> {
  const target = new FakeTarget();
  const { sink, spool, recording, close } = await assemble(settingsFor(directory), target);
  const late = new Settlements();
  sink.append('events', 'k0', 1, textEncoder, 'late', late.of('late'));
  await waitFor(() => sink.state === 'direct' && late.settled.length === 1 && spool.depth().records === 0, {
    deadlineMs: 5000,
    everyMs: 1,
    what: 'the replay',
  });
  await close();
  const values = target.log.map(({ value }) => value);
  expect(values.pop()).toBe('late');
  return { values, damaged: recording.of('damaged').length > 0 };
}

const groupSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe('after a crash', () => {
  test('everything before the cut is replayed in order, wherever it is, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(groupSizes, fc.nat(), fc.nat(), fc.boolean(), async (groups, file, byte, tearCursor) => {
        await using directory = await TestDirectory.make();
        const frames = await fill(directory.path, groups);
        const names = (await readdir(directory.path)).filter((name) => name.endsWith('.segment')).sort();
        const cutIn = names[file % names.length] as string;
        const path = join(directory.path, cutIn);
        const size = (await nodeFiles.read(path)).length;
        const cutAt = byte % (size + 1);
        for (const name of names) if (name > cutIn) await rm(join(directory.path, name));
        await truncate(path, cutAt);
        // The slot that is written next, cut short.
        if (tearCursor) await truncate(join(directory.path, 'cursor'), 64 + (byte % 24));
        const kept = frames.filter(({ segment, end }) => segment < cutIn || (segment === cutIn && end <= cutAt));
        const { values, damaged } = await replay(directory.path);
        expect(values).toEqual(kept.flatMap((frame) => frame.values));
        expect(damaged).toBe(false);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test('a crash in the recovery after a crash changes nothing', async () => {
    await using directory = await TestDirectory.make();
    const frames = await fill(directory.path, [30, 30, 30]);
    const last = frames.at(-1) as WrittenFrame;
    await truncate(join(directory.path, last.segment), last.end - 1);
    const copy = `${directory.path}-copy`;
    await cp(directory.path, copy, { recursive: true });
    const { close } = await assemble(settingsFor(directory.path));
    await close();
    const kept = frames.slice(0, -1).flatMap(({ values }) => values);
    expect((await replay(directory.path)).values).toEqual(kept);
    expect((await replay(copy)).values).toEqual(kept);
  });
});

describe('a damaged byte', () => {
  test('costs its batch alone, is reported when it was durable, and the segment is kept', async () => {
    await fc.assert(
      fc.asyncProperty(
        groupSizes,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (groups, pick, byte, bits) => {
          await using directory = await TestDirectory.make();
          const frames = await fill(directory.path, groups);
          const hit = frames[pick % frames.length] as WrittenFrame;
          const file = await open(join(directory.path, hit.segment), 'r+');
          const at = hit.at + (byte % (hit.end - hit.at));
          const original = Buffer.alloc(1);
          await file.read(original, 0, 1, at);
          await file.write(Buffer.of((original[0] as number) ^ bits), 0, 1, at);
          await file.close();

          const last = frames.at(-1) as WrittenFrame;
          // Nothing proves that the last group was durable: it is taken for a torn tail, up to its end.
          const isTail = hit.segment === last.segment && hit.groupFirst === last.groupFirst;
          const index = frames.indexOf(hit);
          const kept = isTail ? frames.slice(0, index) : frames.filter((frame) => frame !== hit);
          const { values, damaged } = await replay(directory.path);
          expect(values).toEqual(kept.flatMap((frame) => frame.values));
          expect(damaged).toBe(!isTail);
          const left = await readdir(directory.path);
          expect(left.some((name) => name.endsWith('.damaged'))).toBe(!isTail);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});
