import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { SettledBatch } from '../../../gateway/spool/observer.ts';
import { Spool } from '../../../gateway/spool/spool.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, FaultyFiles, limits, settingsFor, TestDirectory } from './support.ts';

const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 10_000, everyMs: 2, what });

function send({ sink }: Pick<Assembly, 'sink'>, settlements: Settlements, from: number, count: number): string[] {
  const values = Array.from({ length: count }, (_, index) => `r${from + index}`);
  for (const value of values) sink.append('events', `k${value.length}`, 1, textEncoder, value, settlements.of(value));
  return values;
}

type Fault = Partial<Pick<FaultyFiles, 'failWrite' | 'failSync' | 'failOpen' | 'freeBytes'>>;

const faults: [what: string, fault: Fault][] = [
  ['a write', { failWrite: 'EIO' }],
  ['an fsync', { failSync: 'EIO' }],
  ['creating a segment, and a write', { failOpen: 'EMFILE', failWrite: 'EIO' }],
  ['a write in the middle, on a full disk', { freeBytes: 100 }],
];
const healed: Fault = { failWrite: undefined, failSync: undefined, failOpen: undefined, freeBytes: Infinity } as Fault;

describe('a disk that fails', () => {
  test.each(faults)('at %s: nothing is acknowledged until it works again, nothing is lost', async (_what, fault) => {
    await using directory = await TestDirectory.make();
    const files = new FaultyFiles();
    const settings = settingsFor(directory.path);
    const assembly = await assemble(settings, undefined, { files });
    const settlements = new Settlements();
    const before = send(assembly, settlements, 0, 300);
    await wait('the first ones', () => settlements.settled.length === 300);

    Object.assign(files, fault);
    const during = send(assembly, settlements, 300, 300);
    await wait('the failure', () => assembly.sink.blockedReason === 'spool_failing');
    expect(assembly.sink.pressure).toBe(2);
    await wait('another try', () => assembly.recording.of('diskFailed').length >= 2);
    expect(settlements.settled).toHaveLength(300);

    Object.assign(files, healed);
    await wait('recovery', () => settlements.settled.length === 600);
    expect(assembly.sink.blockedReason).toBeUndefined();
    expect(assembly.sink.pressure).toBe(0);
    const after = send(assembly, settlements, 600, 300);
    await wait('the last ones', () => settlements.settled.length === 900);
    expect(new Set(settlements.settled.map(({ outcome }) => outcome.kind))).toEqual(new Set(['spooled']));
    await assembly.close();

    const target = new FakeTarget();
    const again = await assemble(settings, target);
    await wait('the replay', () => target.log.length === 900);
    expect(target.values()).toEqual([...before, ...during, ...after]);
    expect(again.recording.of('damaged')).toEqual([]);
    await again.close();
  });

  test('does not matter once Kafka is there: it has what the disk does not', async () => {
    await using directory = await TestDirectory.make();
    const files = new FaultyFiles();
    const assembly = await assemble(settingsFor(directory.path), undefined, { files });
    const settlements = new Settlements();
    files.failSync = 'EIO';
    const values = send(assembly, settlements, 0, 3000);
    await wait('the failure', () => assembly.sink.blockedReason === 'spool_failing');
    const target = new FakeTarget();
    assembly.sink.attach(target);
    await wait('direct', () => assembly.sink.state === 'direct');
    await wait('answers', () => settlements.settled.length === 3000);
    expect(target.values()).toEqual(values);
    expect(settlements.names('spooled')).toEqual([]);
    expect(assembly.sink.blockedReason).toBeUndefined();
    files.failSync = undefined;
    await wait('the disk', () => assembly.spool.block === undefined);
    await assembly.close();
  });

  test('that cannot be read is asked again', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path);
    const early = await assemble(settings);
    const settlements = new Settlements();
    const values = send(early, settlements, 0, 500);
    await wait('answers', () => settlements.settled.length === 500);
    await early.close();
    const files = new FaultyFiles();
    const read = files.readInto;
    files.readInto = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const target = new FakeTarget();
    const { sink, recording, close } = await assemble(settings, target, { files });
    await wait('failures', () => recording.of('diskFailed').length >= 2);
    files.readInto = read;
    await wait('direct', () => sink.state === 'direct' && target.log.length === values.length);
    expect(target.values()).toEqual(values);
    await close();
  });
});

describe('a full spool', () => {
  test('withholds, keeps what it has, and goes on when there is room', async () => {
    await using directory = await TestDirectory.make();
    const assembly = await assemble(settingsFor(directory.path, { segmentBytes: 2000, maxBytes: 8000 }));
    const settlements = new Settlements();
    const values: string[] = [];
    while (assembly.sink.blockedReason === undefined) {
      values.push(...send(assembly, settlements, values.length, 50));
      await wait('an answer or a full spool', () => {
        return settlements.settled.length === values.length || assembly.sink.blockedReason === 'spool_full';
      });
    }
    expect(assembly.spool.depth().bytes).toBeLessThanOrEqual(8000);
    expect(settlements.settled.length).toBe(values.length - 50);
    expect(assembly.sink.pressure).toBe(2);
    const target = new FakeTarget();
    assembly.sink.attach(target);
    await wait('answers', () => settlements.settled.length === values.length);
    expect(target.values()).toEqual(values);
    expect(assembly.sink.pressure).toBe(0);
    await assembly.close();
  });

  test('is also one whose oldest record is too old', async () => {
    await using directory = await TestDirectory.make();
    let nowMs = 1_000_000;
    const assembly = await assemble(settingsFor(directory.path, { maxAgeSeconds: 10 }), undefined, {
      nowMs: () => nowMs,
    });
    const settlements = new Settlements();
    send(assembly, settlements, 0, 10);
    await wait('answers', () => settlements.settled.length === 10);
    nowMs += 11_000;
    expect(assembly.spool.depth().ageMs).toBe(11_000);
    send(assembly, settlements, 10, 10);
    await wait('a full spool', () => assembly.sink.blockedReason === 'spool_full');
    assembly.sink.attach(new FakeTarget());
    await wait('answers', () => settlements.settled.length === 20);
    await assembly.close();
  });
});

describe('the directory', () => {
  test('is for this user alone, and for one process at a time', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path);
    const first = await assemble(settings);
    expect((await stat(directory.path)).mode & 0o777).toBe(0o700);
    const { observer } = first.recording;
    await expect(Spool.open({ settings, limits, observer })).rejects.toMatchObject({ code: 'spool_in_use' });
    await first.close();
    const second = await assemble(settings);
    await second.close();
  });

  test('that cannot be made is refused in words', async () => {
    const settings = settingsFor('/dev/null/spool');
    await expect(assemble(settings)).rejects.toMatchObject({ code: 'spool_directory_unusable' });
  });
});

describe('a record that Kafka refuses for good', () => {
  test('goes to the dead-letter topic with the reason, and is counted', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path);
    const early = await assemble(settings);
    const settlements = new Settlements();
    send(early, settlements, 0, 100);
    await wait('answers', () => settlements.settled.length === 100);
    await early.close();
    const target = new FakeTarget();
    target.refused.add('r7').add('r42');
    const { sink, spool, recording, close } = await assemble(settings, target);
    await wait('direct', () => sink.state === 'direct' && spool.depth().records === 0);
    const letters = target.log.filter(({ topic }) => topic === 'dlq');
    expect(letters.map(({ value }) => value)).toEqual(['r7', 'r42']);
    expect(letters[0]?.headers).toContain('refused_by_kafka');
    const settled = recording.of('batchSettled').map(([batch]) => batch as SettledBatch);
    expect(settled.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(98);
    expect(settled.reduce((sum, { deadLettered }) => sum + deadLettered, 0)).toBe(2);
    await close();
  });
});
