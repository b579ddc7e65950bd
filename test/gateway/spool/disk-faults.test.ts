import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
    // Nothing is answered, but pings are: level 2 would read no socket for as long as it takes.
    expect(assembly.sink.pressure).toBe(1);
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

  test('has lost a page while it was running: after a while that is damage, and everything else goes on', async () => {
    await using directory = await TestDirectory.make();
    const files = new FaultyFiles();
    let monotonicMs = 0;
    const settings = settingsFor(directory.path, { segmentBytes: 64 * 1024 });
    const clocks = { monotonicMs: () => monotonicMs };
    const { sink, spool, recording, close } = await assemble(settings, undefined, { files, clocks });
    const settlements = new Settlements();
    for (let from = 0; from < 3000; from += 100) {
      send({ sink }, settlements, from, 100);
      await wait('answers', () => settlements.settled.length === from + 100);
    }
    files.lostPages = [{ name: '1.segment', at: 4096 }];
    const target = new FakeTarget();
    sink.attach(target);
    await wait('the failure', () => sink.blockedReason === 'spool_failing');
    await wait('tries', () => recording.of('diskFailed').length >= 12);
    expect(target.log).toEqual([]);
    monotonicMs += 5000;
    await wait('direct', () => sink.state === 'direct' && spool.depth().records === 0);
    send({ sink }, settlements, 3000, 100);
    await wait('answers', () => settlements.settled.length === 3100);
    expect(recording.of('damaged')).toHaveLength(1);
    expect(spool.ledger.damagedRecords).toBeGreaterThan(0);
    expect(spool.depth().batches).toBe(0);
    expect(target.log).toHaveLength(3100 - spool.ledger.damagedRecords);
    const numbers = target.values().map((value) => Number(value.slice(1)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    await wait('the segment to be kept', () => spool.kept.files === 1);
    expect(existsSync(join(directory.path, '0000000000000001.segment.damaged'))).toBe(true);
    await close();
  });

  test('is asked for ever when it is not the medium that fails', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path);
    const early = await assemble(settings);
    const settlements = new Settlements();
    const values = send(early, settlements, 0, 500);
    await wait('answers', () => settlements.settled.length === 500);
    await early.close();
    const files = new FaultyFiles();
    let monotonicMs = 0;
    const target = new FakeTarget();
    const clocks = { monotonicMs: () => monotonicMs };
    const { sink, recording, close } = await assemble(settings, undefined, { files, clocks });
    files.lostPages = [{ name: '1.segment', at: 0 }];
    files.failRead = 'EMFILE';
    sink.attach(target);
    await wait('tries', () => recording.of('diskFailed').length >= 12);
    monotonicMs += 60_000;
    const tries = recording.of('diskFailed').length;
    await wait('more of them', () => recording.of('diskFailed').length > tries);
    files.lostPages = [];
    await wait('direct', () => sink.state === 'direct' && target.log.length === values.length);
    expect(recording.of('damaged')).toEqual([]);
    await close();
  });

  test.each([
    ['in the middle', 4096, 'first'],
    ['in the last group, behind which nothing proves that it was durable', 4096, 'last'],
    ['with a header', 0, 'first'],
    ['with the header of a segment behind another one, which is whole', 0, 'last'],
  ])('has lost a page %s before the start: what is left is replayed, what is not is reported', async (_, at, which) => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path, { segmentBytes: 32 * 1024 });
    const early = await assemble(settings);
    const settlements = new Settlements();
    const values: string[] = [];
    for (let from = 0; from < 4000; from += 1000) {
      values.push(...send(early, settlements, from, 1000));
      await wait('answers', () => settlements.settled.length === values.length);
    }
    await early.close();
    const names = (await readdir(directory.path)).filter((name) => name.endsWith('.segment')).sort();
    expect(names.length).toBeGreaterThan(1);
    const name = names.at(which === 'first' ? 0 : -1) as string;
    const files = new FaultyFiles();
    files.lostPages = [{ name, at }];
    const target = new FakeTarget();
    const { sink, spool, recording, close } = await assemble(settings, target, { files });
    await wait('direct', () => sink.state === 'direct' && spool.depth().records === 0);
    // Once, with what is missing, and blamed on nobody else.
    expect(recording.of('damaged').map(([segment, ranges]) => [segment, (ranges as unknown[]).length])).toEqual([
      [name, 1],
    ]);
    expect(spool.depth().batches).toBe(0);
    const replayed = new Set(target.values());
    expect(target.values()).toEqual(values.filter((value) => replayed.has(value)));
    expect(replayed.size).toBeGreaterThan(3000);
    expect(replayed.size).toBeLessThan(4000);
    await close();
    const kept = (await readdir(directory.path)).filter((file) => file.endsWith('.damaged'));
    expect(kept).toEqual([`${name}.damaged`]);
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
    expect(assembly.sink.pressure).toBe(1);
    const target = new FakeTarget();
    assembly.sink.attach(target);
    await wait('answers', () => settlements.settled.length === values.length);
    expect(target.values()).toEqual(values);
    expect(assembly.sink.pressure).toBe(0);
    await assembly.close();
  });

  test('is also one whose oldest record is too old', async () => {
    await using directory = await TestDirectory.make();
    let monotonicMs = 0;
    const assembly = await assemble(settingsFor(directory.path, { maxAgeSeconds: 10 }), undefined, {
      clocks: { monotonicMs: () => monotonicMs },
    });
    const settlements = new Settlements();
    send(assembly, settlements, 0, 10);
    await wait('answers', () => settlements.settled.length === 10);
    monotonicMs += 11_000;
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

  test('before its batch is on the disk is told to its publish, which has a letter of its own', async () => {
    await using directory = await TestDirectory.make();
    const files = new FaultyFiles();
    const assembly = await assemble(settingsFor(directory.path), undefined, { files });
    files.failSync = 'EIO';
    const settlements = new Settlements();
    send(assembly, settlements, 0, 100);
    await wait('the failure', () => assembly.sink.blockedReason === 'spool_failing');
    const target = new FakeTarget();
    target.refused.add('r7').add('r42');
    assembly.sink.attach(target);
    await wait('answers', () => settlements.settled.length === 100);
    expect(settlements.names('rejected')).toEqual(['r7', 'r42']);
    expect(settlements.names('delivered')).toHaveLength(98);
    // The letters of these two are up to their publishes.
    expect(target.log.filter(({ topic }) => topic === 'dlq')).toEqual([]);
    expect(assembly.spool.accounts().filter(({ came, went, held }) => came !== went + held)).toEqual([]);
    files.failSync = undefined;
    await assembly.close();
  });
});

test('every damaged place of a segment is reported', async () => {
  await using directory = await TestDirectory.make();
  const { sink, spool, recording, close } = await assemble(settingsFor(directory.path, { segmentBytes: 64 * 1024 }));
  const settlements = new Settlements();
  for (let from = 0; from < 2000; from += 100) {
    send({ sink }, settlements, from, 100);
    await wait('answers', () => settlements.settled.length === from + 100);
  }
  const path = join(directory.path, '0000000000000001.segment');
  const bytes = await readFile(path);
  for (const at of [3000, 9000, 15_000]) bytes.fill(7, at, at + 10);
  await writeFile(path, bytes);
  const target = new FakeTarget();
  sink.attach(target);
  await wait('direct', () => sink.state === 'direct' && spool.depth().records === 0);
  expect(recording.of('damaged')).toHaveLength(3);
  expect(spool.ledger.damagedRecords).toBe(300);
  expect(target.log).toHaveLength(1700);
  await close();
});
