import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, type PartitionPlace } from './cluster.ts';
import { VerifyError } from './errors.ts';
import { fetchPartitions } from './fetch.ts';
import { RecordCursor, recordBatches } from './record-batch.ts';

/**
 * Walks through some records of one partition, in the order of their offsets; the partition's next ones come when it is
 * done. Returns how many there were.
 */
export type RecordsHandler = (place: PartitionPlace, records: RecordCursor) => Promise<number>;

export interface ReadOptions {
  readonly bootstrap: readonly string[];
  readonly topics: readonly string[];
  /** Where to begin, by `topic/partition`; a partition that is not named is read from its beginning. */
  readonly startOffsets?: ReadonlyMap<string, bigint>;
  readonly onRecords: RecordsHandler;
  /** Told after every answer of a broker. */
  readonly onProgress?: (recordsRead: number, recordsInAll: number) => void;
  /** Gives up when no partition advances for so long. */
  readonly stallMs?: number;
}

const retryMs = 300;
const surveyMs = 20_000;

interface Reading {
  place: PartitionPlace;
  next: bigint;
  readonly end: bigint;
}

/** End offsets of all partitions of topics at this moment, by `topic/partition`: where a later run begins to read. */
export async function endOffsets(
  bootstrap: readonly string[],
  topics: readonly string[],
): Promise<Map<string, bigint>> {
  const cluster = new Cluster(bootstrap);
  try {
    return (await survey(cluster, topics)).ends;
  } finally {
    await cluster.close();
  }
}

interface Survey {
  readonly places: readonly PartitionPlace[];
  readonly beginnings: ReadonlyMap<string, bigint>;
  readonly ends: Map<string, bigint>;
}

/** Where the topics are and from where to where they reach. Leaders that are just being elected are waited for. */
async function survey(cluster: Cluster, topics: readonly string[]): Promise<Survey> {
  const givesUpAtMs = performance.now() + surveyMs;
  for (;;) {
    try {
      const places = await cluster.locate(topics);
      const ends = await cluster.offsets(places, 'latest');
      return { places, beginnings: await cluster.offsets(places, 'earliest'), ends };
    } catch (error) {
      const isFinal = error instanceof VerifyError && error.code !== 'partition_unavailable';
      if (isFinal) throw error;
      if (performance.now() > givesUpAtMs) {
        const message = `${topics.join(', ')}: no leader for some partitions within ${surveyMs / 1000} s`;
        throw new VerifyError('partition_unavailable', message, { cause: error });
      }
    }
    await delay(retryMs);
  }
}

/**
 * Reads topics up to the end offsets that they have at the time of the call, without a consumer group: plain Fetch
 * requests to the leaders, all partitions of a broker in one. Lost connections and moved leaders are retried.
 *
 * @returns how many records were read
 * @throws {VerifyError} when Kafka cannot be reached, a topic does not exist, or nothing advances any more
 */
export async function readTopics(options: ReadOptions): Promise<number> {
  const cluster = new Cluster(options.bootstrap);
  try {
    const { places, beginnings, ends } = await survey(cluster, options.topics);
    const readings = places.map((place): Reading => {
      const id = `${place.topic}/${place.partition}`;
      const first = beginnings.get(id) ?? 0n;
      const from = options.startOffsets?.get(id) ?? first;
      return { place, next: from > first ? from : first, end: ends.get(id) ?? 0n };
    });
    return await new TopicReader(cluster, readings, options).run();
  } finally {
    await cluster.close();
  }
}

class TopicReader {
  readonly #cluster: Cluster;
  readonly #readings: Reading[];
  readonly #options: ReadOptions;
  readonly #inAll: number;
  #read = 0;
  #advancedAtMs = performance.now();

  constructor(cluster: Cluster, readings: Reading[], options: ReadOptions) {
    this.#cluster = cluster;
    this.#readings = readings;
    this.#options = options;
    this.#inAll = readings.reduce((sum, { next, end }) => sum + Math.max(0, Number(end - next)), 0);
  }

  async run(): Promise<number> {
    let failure: unknown;
    for (;;) {
      const open = this.#readings.filter(({ next, end }) => next < end);
      if (open.length === 0) return this.#read;
      this.#checkStall(failure);
      const byLeader = [...Map.groupBy(open, ({ place }) => place.leader)];
      const rounds = await Promise.allSettled(byLeader.map(([leader, own]) => this.#fetchAll(leader, own)));
      const failed = rounds.find((round) => round.status === 'rejected');
      failure = failed?.reason;
      if (failure instanceof VerifyError && !isPassing(failure)) throw failure;
      if (failed) await this.#relocate();
    }
  }

  /** Fetches partitions of one leader until all are read or a request fails. */
  async #fetchAll(leader: number, readings: readonly Reading[]): Promise<void> {
    const connection = await this.#cluster.connectionTo(leader);
    for (;;) {
      const open = readings.filter(({ next, end }) => next < end);
      if (open.length === 0) return;
      this.#checkStall(undefined);
      const wanted = open.map(({ place: { topicId, partition }, next }) => ({ topicId, partition, offset: next }));
      for (const { topicId, partition, errorCode, batches } of await fetchPartitions(connection, wanted)) {
        const reading = open.find(({ place }) => place.topicId === topicId && place.partition === partition);
        if (!reading) continue;
        if (errorCode !== 0) {
          const message = `${reading.place.topic}/${partition}: Kafka answers Fetch with error ${errorCode}`;
          throw new VerifyError('partition_unavailable', message);
        }
        await this.#take(reading, batches);
      }
      this.#options.onProgress?.(this.#read, this.#inAll);
    }
  }

  /** Batches are given whole, also where the reading begins or ends in the middle of one. */
  async #take(reading: Reading, bytes: Buffer): Promise<void> {
    for (const batch of recordBatches(bytes)) {
      const { firstOffset, lastOffsetDelta, isControl } = batch;
      const after = firstOffset + BigInt(lastOffsetDelta) + 1n;
      if (after <= reading.next) continue;
      if (!isControl) {
        const cursor = new RecordCursor(batch, Number(reading.next - firstOffset), Number(reading.end - firstOffset));
        const records = await this.#options.onRecords(reading.place, cursor);
        // Not in one expression: another broker's records are counted during the await.
        this.#read += records;
      }
      reading.next = after;
      this.#advancedAtMs = performance.now();
    }
  }

  /** After a failure: who leads the partitions now? */
  async #relocate(): Promise<void> {
    await delay(retryMs);
    const places = await this.#cluster.locate(this.#options.topics).catch((error: unknown) => {
      if (error instanceof VerifyError && !isPassing(error)) throw error;
      return [];
    });
    for (const place of places) {
      const reading = this.#readings.find(
        ({ place: { topic, partition } }) => topic === place.topic && partition === place.partition,
      );
      if (reading) reading.place = place;
    }
  }

  #checkStall(cause: unknown): void {
    const stallMs = this.#options.stallMs ?? 30_000;
    if (performance.now() - this.#advancedAtMs <= stallMs) return;
    const message = `Kafka gave nothing new for ${stallMs / 1000} s; ${this.#read} of ${this.#inAll} records read`;
    throw new VerifyError('stalled', message, { cause });
  }
}

/** Brokers come back; until nothing has advanced for too long. */
const isPassing = ({ code }: VerifyError): boolean => code === 'kafka_unreachable' || code === 'partition_unavailable';
