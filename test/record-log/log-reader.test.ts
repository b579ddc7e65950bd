import type { Connection } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { PartitionPlace } from '../../record-log/cluster.ts';
import { RecordLogError } from '../../record-log/errors.ts';
import type { FetchedPartition, WantedPartition } from '../../record-log/fetch.ts';
import { LogReader, type LogReaderOptions } from '../../record-log/log-reader.ts';
import { PassingFailure } from '../../record-log/passing-failure.ts';
import { recordsIn } from '../../record-log/records-in.ts';
import { batchBytes } from './support.ts';

const topic = 't';
const notLeader = 6;
const outOfRange = 1;

/** Batches of two records from an offset on. */
const log = (from: number, batches: number): Buffer =>
  Buffer.concat(
    Array.from({ length: batches }, (_, i) => {
      const first = from + 2 * i;
      return batchBytes(
        [first, first + 1].map((offset) => ({ key: 'k', value: `v${offset}`, timestampMs: offset, headers: [] })),
        first,
      );
    }),
  );

const answer = (partition: number, overrides: Partial<FetchedPartition>): FetchedPartition => ({
  partition,
  errorCode: 0,
  logStartOffset: 0,
  aborted: [],
  batches: Buffer.alloc(0),
  ...overrides,
});

/** A cluster of one topic that answers as the test says. */
class ScriptedCluster {
  places: PartitionPlace[];
  earliest = 0;
  readonly asked: { leader: number; wanted: readonly WantedPartition[] }[] = [];
  #leader = 0;

  constructor(partitions: number) {
    this.places = Array.from({ length: partitions }, (_, partition) => ({ topic, topicId: 'a', partition, leader: 1 }));
  }

  locate = async (): Promise<PartitionPlace[]> => this.places;
  offsets = async (): Promise<Map<number, number>> =>
    new Map(this.places.map(({ partition }) => [partition, this.earliest]));
  connectionTo = async (leader: number): Promise<Connection> => {
    this.#leader = leader;
    return undefined as unknown as Connection;
  };

  /** @param answers one for each request, in their order; the last one for all later ones. */
  read(answers: readonly (FetchedPartition[] | Error)[], ends: readonly number[], stallMs = 10_000) {
    const fetch: LogReaderOptions['fetch'] = async (_connection, _topicId, wanted) => {
      this.asked.push({ leader: this.#leader, wanted });
      const given = answers[Math.min(this.asked.length, answers.length) - 1] ?? [];
      if (given instanceof Error) throw given;
      return given;
    };
    const ranges = new Map(ends.map((end, partition) => [partition, { from: 0, end }]));
    return new LogReader({ cluster: this, topic, ranges, fetch, retryMs: 0, stallMs });
  }
}

async function offsetsIn(reader: LogReader): Promise<string[]> {
  const offsets: string[] = [];
  for await (const batch of reader.batches()) {
    for (const { partition, offset } of recordsIn(topic, batch)) offsets.push(`${partition}:${offset}`);
  }
  return offsets;
}

const codeOf = (reading: Promise<unknown>): Promise<unknown> =>
  reading.then(
    () => undefined,
    (error: unknown) => (error instanceof RecordLogError ? error.code : error),
  );

describe('reading a log', () => {
  it('ends where it is to end, in the middle of a batch, too', async () => {
    const cluster = new ScriptedCluster(1);
    const reader = cluster.read([[answer(0, { batches: log(0, 3) })]], [3]);
    expect(await offsetsIn(reader)).toEqual(['0:0', '0:1', '0:2']);
    expect(reader.expired).toBe(0);
  });

  it('asks for the partitions of a broker in another order each time, as the first one is served best', async () => {
    const cluster = new ScriptedCluster(3);
    const rounds = [0, 1].map((round) =>
      [0, 1, 2].map((partition) => answer(partition, { batches: log(2 * round, 1) })),
    );
    expect(await offsetsIn(cluster.read(rounds, [4, 4, 4]))).toHaveLength(12);
    const firsts = cluster.asked.map(({ wanted }) => wanted[0]?.partition);
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('goes to the new leader when a partition has moved, or its broker is gone', async () => {
    const cluster = new ScriptedCluster(1);
    const moved = () => {
      cluster.places = cluster.places.map((place) => ({ ...place, leader: place.leader + 1 }));
      return cluster.places;
    };
    const reader = cluster.read(
      [
        [answer(0, { batches: log(0, 1) })],
        [answer(0, { errorCode: notLeader })],
        new Error('gone'),
        [answer(0, { batches: log(2, 1) })],
      ],
      [4],
    );
    const first = cluster.locate;
    let looks = 0;
    cluster.locate = async () => (looks++ === 0 ? first() : moved());
    expect(await offsetsIn(reader)).toEqual(['0:0', '0:1', '0:2', '0:3']);
    expect(cluster.asked.map(({ leader }) => leader)).toEqual([1, 1, 2, 3]);
    expect(cluster.asked.at(-1)?.wanted).toEqual([{ partition: 0, offset: 2 }]);
  });

  it('reads again what arrived damaged, and gives up on what stays so', async () => {
    const damaged = log(0, 1);
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    const once = new ScriptedCluster(1).read(
      [[answer(0, { batches: damaged })], [answer(0, { batches: log(0, 1) })]],
      [2],
    );
    expect(await offsetsIn(once)).toEqual(['0:0', '0:1']);
    const cluster = new ScriptedCluster(1);
    expect(await codeOf(offsetsIn(cluster.read([[answer(0, { batches: damaged })]], [2])))).toBe('unreadable_batch');
    expect(cluster.asked).toHaveLength(3);
  });

  it('counts what retention deleted before it was read, and goes on behind it', async () => {
    const cluster = new ScriptedCluster(1);
    cluster.earliest = 4;
    const reader = cluster.read([[answer(0, { errorCode: outOfRange })], [answer(0, { batches: log(4, 1) })]], [6]);
    expect(await offsetsIn(reader)).toEqual(['0:4', '0:5']);
    expect(reader.expired).toBe(4);
  });

  it('ends with an error when the log is shorter than it was, or another one', async () => {
    const shorter = new ScriptedCluster(1).read([[answer(0, { errorCode: outOfRange })]], [6]);
    expect(await codeOf(offsetsIn(shorter))).toBe('topic_replaced');
    const cluster = new ScriptedCluster(1);
    const reader = cluster.read([[answer(0, { errorCode: notLeader })]], [6]);
    const first = cluster.locate;
    let looks = 0;
    cluster.locate = async () => (await first()).map((place) => ({ ...place, topicId: looks++ === 0 ? 'a' : 'b' }));
    expect(await codeOf(offsetsIn(reader))).toBe('topic_replaced');
  });

  it('gives up when nothing advances, and not before, while brokers fail in passing', async () => {
    const reader = new ScriptedCluster(1).read([new PassingFailure('no leader')], [2], 50);
    expect(await codeOf(offsetsIn(reader))).toBe('stalled');
  });

  it('does not count the time that the reader of batches takes', async () => {
    const cluster = new ScriptedCluster(1);
    const reader = cluster.read([[answer(0, { batches: log(0, 1) })], [answer(0, { batches: log(2, 1) })]], [4], 50);
    let batches = 0;
    for await (const _ of reader.batches()) {
      batches += 1;
      const until = performance.now() + 60;
      while (performance.now() < until);
    }
    expect(batches).toBe(2);
  });
});
