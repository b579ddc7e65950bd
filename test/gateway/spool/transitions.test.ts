import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { describe, expect, test, vi } from 'vitest';
import type { SpoolSettings } from '../../../gateway/spool/settings.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, FaultyFiles, limits, settingsFor, TestDirectory } from './support.ts';

const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 10_000, everyMs: 2, what });

/** Sends records; a value is its number, padded to `bytes`. */
class Source {
  readonly settlements = new Settlements();
  readonly sent: string[] = [];
  readonly #sink: Assembly['sink'];

  constructor(sink: Assembly['sink']) {
    this.#sink = sink;
  }

  send(count: number, { bytes = 0, topic = 'events' } = {}): void {
    for (let i = 0; i < count; i++) {
      const value = `r${this.sent.length}`.padEnd(bytes, '.');
      this.#sink.append(topic, `k${this.sent.length % 7}`, 1, textEncoder, value, this.settlements.of(value));
      this.sent.push(value);
    }
  }

  get answered(): number {
    return this.settlements.settled.length;
  }
}

/** Leaves so many records in the directory. */
async function leave(settings: SpoolSettings, ...parts: Parameters<Source['send']>[]): Promise<string[]> {
  const { sink, close } = await assemble(settings);
  const source = new Source(sink);
  for (const part of parts) {
    source.send(...part);
    await wait('answers', () => source.answered === source.sent.length);
  }
  await close();
  return source.sent;
}

describe('the way back to Kafka', () => {
  test('has no gap for records that come the moment the pressure falls', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path, { lingerMs: 10_000 });
    const { sink, spool, close } = await assemble(settings, undefined, { limits: { ...limits, softRecords: 50 } });
    const source = new Source(sink);
    source.send(60);
    expect(sink.pressure).toBe(1);
    sink.onPressure((level) => {
      if (level === 0) source.send(10);
    });
    const target = new FakeTarget();
    sink.attach(target);
    await wait('direct', () => sink.state === 'direct');
    source.send(10);
    await wait('everything on Kafka', () => target.log.length === 80);
    expect(target.values()).toEqual(source.sent);
    expect(spool.depth().records).toBe(0);
    await close();
  });

  test('is taken without giving Kafka more than may be unanswered', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path, { replayMaxBytes: 1024 * 1024, afterMs: 60_000 });
    const values = await leave(settings, [2000], [1900, { bytes: 2000 }]);
    const target = new FakeTarget();
    target.goDown();
    const { sink, close } = await assemble(settings, target);
    await wait('the replay to begin', () => target.held.length > 2000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const bytes = target.held.reduce((sum, { value }) => sum + value.length, 0);
    expect(bytes).toBeLessThan(1024 * 1024 + limits.maxBatchBytes);
    target.comeBack();
    await wait('everything on Kafka', () => target.log.length === values.length);
    expect(target.values()).toEqual(values);
    await wait('direct', () => sink.state === 'direct');
    await close();
  });
});

test('a stop while Kafka comes back leaves behind what was not replayed', async () => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path, { replayMaxRecords: 100, afterMs: 300 });
  const target = new FakeTarget();
  target.goDown();
  const { sink, close } = await assemble(settings, target);
  const source = new Source(sink);
  source.send(10);
  const handOver = target.handOver.bind(target);
  const stats = target.stats.bind(target);
  target.handOver = (take) => {
    handOver(take);
    setImmediate(() => {
      if (target.handOvers === 1) source.send(1000);
      target.deliver();
    });
  };
  // A dead letter is on its way, so the target is never without something unsettled.
  target.stats = () => ({ ...stats(), unsettledRecords: stats().unsettledRecords + 1 });
  expect(await sink.drain(2000)).toBe(0);
  target.close();
  await close();
  const later = new FakeTarget();
  const again = await assemble(settings, later);
  await wait('the replay', () => again.sink.state === 'direct' && again.spool.depth().records === 0);
  expect([...new Set([...target.values(), ...later.values()])]).toEqual(source.sent);
  await again.close();
});

test('the age is that of the oldest record that Kafka has not answered for', async () => {
  await using directory = await TestDirectory.make();
  let monotonicMs = 0;
  const settings = settingsFor(directory.path, { mode: 'always' });
  const early = await assemble(settings, undefined, { clocks: { wallMs: () => 1_000_000, monotonicMs: () => 0 } });
  const source = new Source(early.sink);
  source.send(10);
  await wait('answers', () => source.answered === 10);
  await early.close();
  const target = new FakeTarget();
  target.goDown();
  const { spool, close } = await assemble(settings, target, {
    clocks: { wallMs: () => 1_000_000, monotonicMs: () => monotonicMs },
  });
  await wait('the replay to begin', () => target.held.length === 10);
  monotonicMs += 5000;
  expect(spool.depth().ageMs).toBe(5000);
  target.comeBack();
  expect(spool.depth().ageMs).toBe(0);
  await close();
});

test('a segment without a batch that can be read is not taken for one of age immemorial', async () => {
  await using directory = await TestDirectory.make();
  await leave(settingsFor(directory.path, { segmentBytes: 1000 }), [100], [100]);
  const first = join(directory.path, '0000000000000001.segment');
  const bytes = await readFile(first);
  await writeFile(first, bytes.fill(7, 32));
  const { sink, close } = await assemble(settingsFor(directory.path));
  const source = new Source(sink);
  source.send(10);
  await wait('an answer, or a full spool', () => source.answered === 10 || sink.blockedReason !== undefined);
  expect(sink.blockedReason).toBeUndefined();
  await close();
});

test('damage that appears at the end of a segment does not keep it from being settled', async () => {
  await using directory = await TestDirectory.make();
  const { sink, spool, recording, close } = await assemble(settingsFor(directory.path));
  const source = new Source(sink);
  source.send(100);
  await wait('answers', () => source.answered === 100);
  source.send(100);
  await wait('answers', () => source.answered === 200);
  const segment = join(directory.path, '0000000000000001.segment');
  const bytes = await readFile(segment);
  await writeFile(segment, bytes.fill(7, bytes.length - 50));
  const target = new FakeTarget();
  sink.attach(target);
  await wait('an empty spool', () => spool.depth().bytes === 0);
  expect(target.values()).toEqual(source.sent.slice(0, 100));
  expect(recording.of('damaged')).toHaveLength(1);
  expect(spool.ledger.damagedRecords).toBe(100);
  await close();
});

test('the topics of a backlog are known, so that Kafka can be asked for them under settings that no longer name them', async () => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path);
  await leave(settings, [10, { topic: 'renamed-since' }], [10]);
  const { spool, close } = await assemble(settings);
  expect([...spool.ledger.recoveredTopics].sort()).toEqual(['events', 'renamed-since']);
  await close();
});

test('batches of which Kafka refuses every record are read once for all of them', async () => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path);
  const values = await leave(settings, [1000]);
  const decompress = vi.spyOn(compressionsAlgorithms.lz4, 'decompressSync');
  const target = new FakeTarget();
  for (const value of values) target.refused.add(value);
  const { sink, spool, close } = await assemble(settings, target);
  await wait('letters for all', () => sink.state === 'direct' && spool.depth().records === 0);
  expect(target.values('dlq')).toEqual(values);
  // Ten batches: once to replay them, once to bury them.
  expect(decompress.mock.calls.length).toBeLessThanOrEqual(20);
  decompress.mockRestore();
  await close();
});

test('records and letters whose date Kafka refuses become letters without a date, and keep their value', async () => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path);
  const values = await leave(settings, [10], [10, { topic: 'dlq' }]);
  const target = new FakeTarget();
  target.refusesDates = true;
  const { sink, spool, recording, close } = await assemble(settings, target);
  await wait('letters for all', () => sink.state === 'direct' && spool.depth().records === 0);
  expect(target.values('dlq').sort()).toEqual(values.sort());
  expect(recording.of('unlettered')).toEqual([]);
  await close();
});

describe('a full spool', () => {
  test('has used the room there is', async () => {
    await using directory = await TestDirectory.make();
    const { sink, spool, close } = await assemble(
      settingsFor(directory.path, { segmentBytes: 4000, maxBytes: 20_000 }),
    );
    const source = new Source(sink);
    source.send(5000);
    await wait('a full spool', () => sink.blockedReason === 'spool_full');
    expect(spool.depth().bytes).toBeGreaterThan(15_000);
    expect(spool.depth().bytes).toBeLessThanOrEqual(20_000);
    expect(source.answered).toBeGreaterThan(0);
    await close();
  });

  test('is not full because somebody has set the clock: age is time that has passed', async () => {
    await using directory = await TestDirectory.make();
    let wallMs = 0;
    const settings = settingsFor(directory.path, { maxAgeSeconds: 10 });
    const { sink, spool, close } = await assemble(settings, undefined, {
      clocks: { wallMs: () => wallMs, monotonicMs: () => 0 },
    });
    const source = new Source(sink);
    for (const setTo of [1_700_000_000_000, 1_700_003_600_000, 1_699_996_400_000]) {
      source.send(10);
      await wait('answers', () => source.answered === source.sent.length);
      wallMs = setTo;
    }
    expect(spool.depth().ageMs).toBe(0);
    expect(sink.blockedReason).toBeUndefined();
    await close();
  });

  test.each([
    ['an hour ahead, and set back', 3_600_000, 0],
    ['years behind, and set right', 0, 1_700_000_000_000],
  ])('is not full after a restart because the clock was %s', async (_, before, after) => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path, { maxAgeSeconds: 600 });
    const early = await assemble(settings, undefined, { clocks: { wallMs: () => before } });
    new Source(early.sink).send(10);
    await wait('durable records', () => early.spool.waitingRecords === 0 && early.spool.ledger.appendedRecords === 10);
    await early.close();
    let monotonicMs = 0;
    const clocks = { wallMs: () => after, monotonicMs: () => monotonicMs };
    const { sink, spool, close } = await assemble(settings, undefined, { clocks });
    const source = new Source(sink);
    source.send(10);
    await wait('answers', () => source.answered === 10);
    expect(spool.depth().ageMs).toBe(0);
    monotonicMs += 601_000;
    expect(spool.depth().ageMs).toBe(601_000);
    source.send(10);
    await wait('a full spool', () => sink.blockedReason === 'spool_full');
    await close();
  });
});

test('a backlog that cannot be read makes the gateway withhold, and say that it is not ready', async () => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path);
  const values = await leave(settings, [500]);
  const files = new FaultyFiles();
  const read = files.readInto;
  files.readInto = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  const target = new FakeTarget();
  const { sink, recording, close } = await assemble(settings, target, { files });
  await wait('the failure', () => sink.blockedReason === 'spool_failing');
  expect(sink.pressure).toBe(1);
  files.readInto = read;
  await wait('direct', () => sink.state === 'direct' && target.log.length === values.length);
  expect(target.values()).toEqual(values);
  expect(sink.pressure).toBe(0);
  expect(recording.of('blockChanged').map(([block]) => block)).toEqual(['failing', undefined]);
  await close();
});
