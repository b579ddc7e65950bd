import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SpoolOpened } from '../../../gateway/spool/observer.ts';
import { segmentFileName, surveySpool } from '../../../gateway/spool/survey.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { flipped, frameBytes, headerBytes, writeSpool } from './segment-files.ts';
import {
  assemble,
  FakeTarget,
  FaultyFiles,
  type RecordingSpoolObserver,
  settingsFor,
  TestDirectory,
} from './support.ts';

const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 5000, everyMs: 2, what });
const nameOf = (segment: number) => segmentFileName(segment);
const torn = (bytes: Buffer) => Buffer.alloc(bytes.length);

/** A start with Kafka, until everything is replayed, and a stop. */
async function replayed(directory: string, files: FaultyFiles) {
  const target = new FakeTarget();
  const { sink, spool, recording, close } = await assemble(settingsFor(directory), target, { files });
  await wait('the replay', () => sink.state === 'direct' && spool.depth().records === 0);
  await close();
  return { values: recordsOf(target), damaged: recording.of('damaged'), tornBytes: tornBytesOf(recording) };
}

/** A start without Kafka, and a stop. */
async function passed(directory: string, files: FaultyFiles) {
  const { recording, close } = await assemble(settingsFor(directory), undefined, { files });
  await close();
  return { damaged: recording.of('damaged'), tornBytes: tornBytesOf(recording) };
}

const recordsOf = (target: FakeTarget) => target.values().map((value) => value.split(' ')[0]);
const tornBytesOf = (recording: RecordingSpoolObserver) => {
  const [opened] = recording.of('opened').flat() as [SpoolOpened];
  return opened.tornBytes;
};

describe('a damaged last group, behind which a file is unreadable', () => {
  const segments = (number: number) => {
    const second = [4, 5, 6].map((each) => (each === number ? flipped(frameBytes(each, 4)) : frameBytes(each, 4)));
    return [
      Buffer.concat([headerBytes(1, 1), frameBytes(1, 1), frameBytes(2, 2), frameBytes(3, 3)]),
      Buffer.concat([headerBytes(2, 4), ...second]),
      Buffer.concat([headerBytes(3, 7), frameBytes(7, 7)]),
    ];
  };

  test.each([
    [4, ['r1', 'r2', 'r3', 'r5', 'r6']],
    [6, ['r1', 'r2', 'r3', 'r4', 'r5']],
  ])('is no torn tail: frame %i is reported, the rest replayed', async (number, values) => {
    await using directory = await TestDirectory.make();
    await writeSpool(directory.path, segments(number), 1);
    const files = new FaultyFiles();
    files.lostPages = [{ name: nameOf(3), at: 0 }];
    const start = await replayed(directory.path, files);
    expect(start).toMatchObject({ values, tornBytes: 0 });
    expect(start.damaged).toMatchObject([
      [nameOf(2), [{ firstFrame: number, nextFrame: number + 1 }]],
      [nameOf(3), [{}]],
    ]);
    const left = (await readdir(directory.path)).filter((name) => name.includes('.segment')).sort();
    expect(left).toEqual([`${nameOf(2)}.damaged`, `${nameOf(3)}.damaged`]);
  });

  test('is none either at the starts after that, when the file is kept under another name', async () => {
    await using directory = await TestDirectory.make();
    await writeSpool(directory.path, segments(4), 1);
    const files = new FaultyFiles();
    files.lostPages = [{ name: nameOf(3), at: 0 }];
    await passed(directory.path, files);
    expect(await readdir(directory.path)).toContain(`${nameOf(3)}.damaged`);
    expect((await replayed(directory.path, files)).values).toEqual(['r1', 'r2', 'r3', 'r5', 'r6']);
  });
});

describe('a torn tail of a segment with a lost page', () => {
  const padded = (...frames: Buffer[]) =>
    Buffer.concat([headerBytes(1, 1), frameBytes(1, 1, 5000), frameBytes(2, 2), ...frames]);

  test('is cut off when the page is elsewhere: nothing is replayed ahead of what its device sends again', async () => {
    await using directory = await TestDirectory.make();
    const bytes = padded(torn(frameBytes(3, 3)), frameBytes(4, 3), frameBytes(5, 3));
    await writeSpool(directory.path, [bytes], 2);
    const files = new FaultyFiles();
    files.lostPages = [{ name: nameOf(1), at: 0 }];
    const start = await replayed(directory.path, files);
    expect(start.values).toEqual(['r2']);
    expect(start.tornBytes).toBe(bytes.length - padded().length);
    expect(await readFile(join(directory.path, `${nameOf(1)}.damaged`))).toEqual(padded());
  });

  test('is none where the page is missing: what is behind it is replayed', async () => {
    await using directory = await TestDirectory.make();
    const third = frameBytes(3, 3, 9000);
    await writeSpool(directory.path, [padded(third, frameBytes(4, 3), frameBytes(5, 3))], 2);
    const files = new FaultyFiles();
    files.lostPages = [{ name: nameOf(1), at: 8192 }];
    const start = await replayed(directory.path, files);
    expect(start.values).toEqual(['r2', 'r4', 'r5']);
    expect(start.damaged).toMatchObject([[nameOf(1), [{ firstFrame: 3, nextFrame: 4 }]]]);
    expect(start.tornBytes).toBe(0);
  });
});

test('a torn tail does not take with it the proof that damage before it is none', async () => {
  await using directory = await TestDirectory.make();
  const durable = [flipped(frameBytes(1, 1)), frameBytes(2, 1)];
  const bytes = Buffer.concat([headerBytes(1, 1), ...durable, torn(frameBytes(3, 3)), frameBytes(4, 3)]);
  await writeSpool(directory.path, [bytes], 1);
  const files = new FaultyFiles();
  const early = await assemble(settingsFor(directory.path), undefined, { files });
  await early.close();
  const again = await assemble(settingsFor(directory.path), undefined, { files });
  const settlements = new Settlements();
  again.sink.append('events', 'k', 1, textEncoder, 'new', settlements.of('new'));
  await wait('the answer', () => settlements.settled.length === 1);
  await again.close();
  const start = await replayed(directory.path, files);
  expect(start.values).toEqual(['r2', 'new']);
  expect(start.damaged).toMatchObject([[nameOf(1), [{ firstFrame: 1, nextFrame: 2 }]]]);
});

describe('a lost tail', () => {
  const spoolWithLostTail = async (directory: string, cursor = 1) => {
    const frames = [frameBytes(1, 1, 5000), frameBytes(2, 2, 5000), frameBytes(3, 3, 5000)];
    await writeSpool(directory, [Buffer.concat([headerBytes(1, 1), ...frames])], cursor);
    const files = new FaultyFiles();
    files.lostPages = [{ name: nameOf(1), at: 16_384 }];
    return files;
  };
  const lost = [[nameOf(1), [{ firstFrame: 3, nextFrame: 4, isOpen: true }]]];

  test('is found by every later start, although there are newer frames, and its segment is kept', async () => {
    await using directory = await TestDirectory.make();
    const files = await spoolWithLostTail(directory.path);
    const early = await assemble(settingsFor(directory.path), undefined, { files });
    const settlements = new Settlements();
    early.sink.append('events', 'k', 1, textEncoder, 'new', settlements.of('new'));
    await wait('the answer', () => settlements.settled.length === 1);
    await early.close();
    expect(early.recording.of('damaged')).toMatchObject(lost);
    const start = await replayed(directory.path, files);
    expect(start.values).toEqual(['r1', 'r2', 'new']);
    expect(start.damaged).toMatchObject([[nameOf(1), [{ firstFrame: 3, nextFrame: 4 }]]]);
    expect(await readdir(directory.path)).toContain(`${nameOf(1)}.damaged`);
    expect(await replayed(directory.path, files)).toMatchObject({ values: [], damaged: [] });
  });

  test('is reported once by a start that replays and goes on, and the accounts are even', async () => {
    await using directory = await TestDirectory.make();
    const files = await spoolWithLostTail(directory.path);
    const target = new FakeTarget();
    const { sink, spool, recording, close } = await assemble(settingsFor(directory.path), target, { files });
    await wait('the replay', () => sink.state === 'direct' && spool.depth().records === 0);
    target.goDown();
    const settlements = new Settlements();
    sink.append('events', 'k', 1, textEncoder, 'new', settlements.of('new'));
    await wait('the answer', () => settlements.settled.length === 1);
    target.comeBack();
    await wait('the replay', () => sink.state === 'direct' && spool.depth().records === 0);
    expect(recordsOf(target)).toEqual(['r1', 'r2', 'new']);
    expect(recording.of('damaged')).toMatchObject(lost);
    expect(spool.accounts().filter(({ came, went, held }) => came !== went + held)).toEqual([]);
    expect(spool.depth()).toMatchObject({ records: 0, batches: 0 });
    await close();
    // The cursor is past the number that nobody has: nothing is missing any more.
    expect(await passed(directory.path, files)).toMatchObject({ damaged: [] });
  });

  test('of which all that can be read is settled already does not hold up what comes from memory', async () => {
    await using directory = await TestDirectory.make();
    const files = await spoolWithLostTail(directory.path, 3);
    const target = new FakeTarget();
    const settings = settingsFor(directory.path, { mode: 'always' });
    const { sink, spool, close } = await assemble(settings, target, { files });
    files.failSync = 'EIO';
    const settlements = new Settlements();
    sink.append('events', 'k', 1, textEncoder, 'new', settlements.of('new'));
    // Kafka is quicker than the disk.
    await wait('the answer', () => settlements.settled.length === 1);
    expect(recordsOf(target)).toEqual(['new']);
    files.failSync = undefined;
    await wait('an empty spool', () => spool.depth().records === 0);
    await close();
  });
});

describe('a last segment of which only a torn first group is there', () => {
  const first = Buffer.concat([headerBytes(1, 1), frameBytes(1, 1), frameBytes(2, 2), flipped(frameBytes(3, 2))]);
  const second = Buffer.concat([headerBytes(2, 4), frameBytes(4, 4).subarray(0, 60)]);

  test('does not cost the segment before it the evidence of its damage', async () => {
    await using directory = await TestDirectory.make();
    await writeSpool(directory.path, [first, second], 1);
    const start = await replayed(directory.path, new FaultyFiles());
    expect(start).toMatchObject({ values: ['r1', 'r2'], tornBytes: 60 });
    expect(start.damaged).toMatchObject([[nameOf(1), [{ firstFrame: 3, nextFrame: 4 }]]]);
    expect(await readFile(join(directory.path, `${nameOf(1)}.damaged`))).toEqual(first);
  });

  test('goes on proving that this is no torn tail, until it is replayed', async () => {
    await using directory = await TestDirectory.make();
    await writeSpool(directory.path, [first, second], 1);
    const files = new FaultyFiles();
    for (const tornBytes of [60, 0, 0]) {
      const start = await passed(directory.path, files);
      expect(start.tornBytes).toBe(tornBytes);
      expect(start.damaged).toMatchObject([[nameOf(1), [{ firstFrame: 3, nextFrame: 4 }]]]);
    }
    expect((await replayed(directory.path, files)).values).toEqual(['r1', 'r2']);
    const survey = await surveySpool(files, directory.path);
    expect(survey).toMatchObject({ segments: [], needless: [nameOf(2)], unreadable: [], nextFrame: 4 });
    expect(await passed(directory.path, files)).toMatchObject({ damaged: [] });
    expect((await readdir(directory.path)).filter((name) => name.endsWith('.segment'))).toEqual([]);
  });
});
