import { Cluster, readUncommitted } from '../../record-log/cluster.ts';
import { RecordLogError } from '../../record-log/errors.ts';
import { type BatchInRange, LogReader, type OffsetRange } from '../../record-log/log-reader.ts';
import { offsetsOf } from '../../record-log/offsets.ts';
import { DamagedBatch, unpacked } from '../../record-log/record-batch.ts';
import { VerifyError } from './errors.ts';
import { RecordCursor } from './record-cursor.ts';

/** One partition of a topic. */
export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  /** Partitions of the topic. */
  readonly partitions: number;
}

/**
 * Walks through some records of one partition, in the order of their offsets; the partition's next ones come when it is
 * done. Returns how many there were.
 */
export type RecordsHandler = (place: PartitionPlace, records: RecordCursor) => Promise<number>;

export interface ReadOptions {
  readonly bootstrap: readonly string[];
  readonly topics: readonly string[];
  /** Where to begin, by `topic/partition`; a partition that is not named is read from its beginning. */
  readonly startOffsets?: ReadonlyMap<string, number>;
  readonly onRecords: RecordsHandler;
  /** Told after every batch. */
  readonly onProgress?: (recordsRead: number, recordsInAll: number) => void;
}

/** What of one topic is to be read, by partition. */
interface TopicRanges {
  readonly topic: string;
  readonly ranges: ReadonlyMap<number, OffsetRange>;
}

/**
 * End offsets of all partitions of topics at this moment, by `topic/partition`: where a later run begins to read.
 *
 * @throws {VerifyError}
 */
export const endOffsets = (bootstrap: readonly string[], topics: readonly string[]): Promise<Map<string, number>> =>
  withCluster(bootstrap, async (cluster) => {
    const offsets = new Map<string, number>();
    for (const topic of topics) {
      const ends = await offsetsOf(cluster, topic, 'latest', readUncommitted);
      for (const [partition, end] of ends) offsets.set(`${topic}/${partition}`, end);
    }
    return offsets;
  });

/**
 * Reads topics, one after the other, up to the end offsets that they have at the time of the call.
 *
 * @returns how many records were read
 * @throws {VerifyError} when Kafka cannot be reached, a topic does not exist, or nothing advances any more
 */
export const readTopics = (options: ReadOptions): Promise<number> =>
  withCluster(options.bootstrap, async (cluster) => {
    const all: TopicRanges[] = [];
    for (const topic of options.topics) all.push(await rangesOf(cluster, topic, options.startOffsets));
    const inAll = all.reduce((sum, { ranges }) => sum + recordsIn(ranges), 0);
    let read = 0;
    for (const { topic, ranges } of all) {
      for await (const batch of new LogReader({ cluster, topic, ranges, isolation: readUncommitted }).batches()) {
        const place = { topic, partition: batch.partition, partitions: ranges.size };
        read += await options.onRecords(place, cursorOver(topic, batch));
        options.onProgress?.(read, inAll);
      }
    }
    return read;
  });

async function rangesOf(
  cluster: Cluster,
  topic: string,
  startOffsets: ReadonlyMap<string, number> | undefined,
): Promise<TopicRanges> {
  const ends = await offsetsOf(cluster, topic, 'latest', readUncommitted);
  const beginnings = await offsetsOf(cluster, topic, 'earliest', readUncommitted);
  const ranges = [...ends].map(([partition, end]): [number, OffsetRange] => {
    const from = Math.max(beginnings.get(partition) ?? 0, startOffsets?.get(`${topic}/${partition}`) ?? 0);
    return [partition, { from, end }];
  });
  return { topic, ranges: new Map(ranges) };
}

const recordsIn = (ranges: ReadonlyMap<number, OffsetRange>): number =>
  [...ranges.values()].reduce((sum, { from, end }) => sum + Math.max(0, end - from), 0);

/** Over those records of a batch that lie in the range. */
function cursorOver(topic: string, { partition, batch, range }: BatchInRange): RecordCursor {
  try {
    const { firstOffset, count } = batch;
    return new RecordCursor(unpacked(batch), count, range.from - firstOffset, range.end - firstOffset);
  } catch (error) {
    if (!(error instanceof DamagedBatch)) throw error;
    throw new VerifyError('unreadable_batch', `${topic}/${partition}: ${error.message}`, { cause: error });
  }
}

async function withCluster<Result>(
  bootstrap: readonly string[],
  use: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = new Cluster(bootstrap);
  try {
    return await use(cluster);
  } catch (error) {
    if (!(error instanceof RecordLogError)) throw error;
    throw new VerifyError(error.code, error.message, { cause: error });
  } finally {
    await cluster.close();
  }
}
