import { setTimeout as delay } from 'node:timers/promises';
import { describeFailure, errorName } from '../gateway/kafka/error-classes.ts';
import { AbortedRecords } from './aborted-records.ts';
import { type Cluster, type Isolation, type PartitionPlace, readCommitted } from './cluster.ts';
import { RecordLogError } from './errors.ts';
import { type FetchedPartition, fetchPartitions } from './fetch.ts';
import { isPassing, PassingFailure } from './passing-failure.ts';
import { DamagedBatch, type RecordBatch, recordBatches } from './record-batch.ts';

/** What of a partition is to be read: from the first offset up to, but not including, the end. */
export interface OffsetRange {
  readonly from: number;
  readonly end: number;
}

/** A batch that overlaps the range of its partition; records of it may lie outside. */
export interface BatchInRange {
  readonly partition: number;
  readonly batch: RecordBatch;
  readonly range: OffsetRange;
}

export interface LogReaderOptions {
  readonly cluster: Pick<Cluster, 'locate' | 'offsets' | 'connectionTo'>;
  readonly topic: string;
  /** By partition. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  /** Default: committed records only. */
  readonly isolation?: Isolation;
  /** Gives up when nothing advances for so long. Default: a minute. */
  readonly stallMs?: number;
  /** Pause before the cluster is looked at again. */
  readonly retryMs?: number;
  /** For tests. */
  readonly fetch?: typeof fetchPartitions;
}

const defaultRetryMs = 300;
const defaultStallMs = 60_000;
/** Damage on the way is gone the next time; damage on the disk is not. */
const attemptsOnDamage = 3;

interface Reading {
  place: PartitionPlace;
  next: number;
  readonly range: OffsetRange;
  readonly aborted: AbortedRecords;
  damaged: number;
}

/**
 * Reads ranges of a topic's partitions with plain Fetch requests to their leaders, without a consumer group; the batches of
 * a partition in order, all partitions in turn. Checksums are verified. Lost connections and moved leaders are waited for.
 */
export class LogReader {
  readonly #options: LogReaderOptions;
  #readings: Reading[] = [];
  #round = 0;
  #advancedAtMs = performance.now();
  /** Records of the ranges that retention deleted before they were read. */
  expired = 0;
  /** Offsets that have been passed. */
  passed = 0;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** @throws {RecordLogError} */
  async *batches(): AsyncGenerator<BatchInRange> {
    const { ranges } = this.#options;
    this.#readings = (await this.#locate())
      .filter(({ partition }) => (ranges.get(partition)?.from ?? 0) < (ranges.get(partition)?.end ?? 0))
      .map((place) => {
        const range = ranges.get(place.partition) as OffsetRange;
        return { place, next: range.from, range, aborted: new AbortedRecords(), damaged: 0 };
      });
    this.#advancedAtMs = performance.now();
    let failure: unknown;
    for (;;) {
      const open = this.#readings.filter(({ next, range }) => next < range.end);
      if (open.length === 0) return;
      this.#checkStall(failure);
      const answers = await this.#fetchAll(open);
      failure = answers.find((answer) => answer instanceof Error);
      for (const answer of answers) {
        if (answer instanceof Error) continue;
        try {
          yield* this.#take(answer);
        } catch (error) {
          if (!(error instanceof PassingFailure)) throw error;
          failure = error;
        }
      }
      if (failure !== undefined) await this.#relocate();
    }
  }

  /** One request to each leader; its answers, or why there is none. */
  async #fetchAll(open: readonly Reading[]): Promise<(FetchedPartition | PassingFailure)[]> {
    const { cluster, isolation = readCommitted, fetch = fetchPartitions } = this.#options;
    this.#round += 1;
    const requests = [...Map.groupBy(open, ({ place }) => place.leader)].map(async ([leader, readings]) => {
      const turn = this.#round % readings.length;
      const wanted = [...readings.slice(turn), ...readings.slice(0, turn)].map(({ place, next }) => ({
        partition: place.partition,
        offset: next,
      }));
      const topicId = (readings[0] as Reading).place.topicId;
      try {
        return await fetch(await cluster.connectionTo(leader), topicId, wanted, isolation);
      } catch (error) {
        return [error instanceof PassingFailure ? error : new PassingFailure(describeFailure(error), { cause: error })];
      }
    });
    return (await Promise.all(requests)).flat();
  }

  async *#take(answer: FetchedPartition): AsyncGenerator<BatchInRange> {
    const reading = this.#readings.find(({ place }) => place.partition === answer.partition);
    if (reading === undefined) return;
    if (answer.errorCode !== 0) return await this.#takeError(reading, errorName(answer.errorCode));
    if (reading.next < answer.logStartOffset) this.#skipTo(reading, answer.logStartOffset, true);
    reading.aborted.announce(answer.aborted);
    try {
      for (const batch of recordBatches(answer.batches)) {
        if (batch.lastOffset < reading.next) continue;
        if (reading.next >= reading.range.end) return;
        if (!reading.aborted.hides(batch)) {
          yield { partition: answer.partition, batch, range: { from: reading.next, end: reading.range.end } };
        }
        reading.damaged = 0;
        this.#skipTo(reading, batch.lastOffset + 1, false);
      }
    } catch (error) {
      if (!(error instanceof DamagedBatch)) throw error;
      reading.damaged += 1;
      if (reading.damaged >= attemptsOnDamage) throw this.#unreadable(reading, error);
      throw new PassingFailure(error.message, { cause: error });
    }
  }

  async #takeError(reading: Reading, error: string): Promise<void> {
    const { cluster, topic } = this.#options;
    if (error === 'OFFSET_OUT_OF_RANGE') {
      const earliest = (await cluster.offsets([reading.place], 'earliest', readCommitted)).get(reading.place.partition);
      if (earliest !== undefined && earliest > reading.next) return this.#skipTo(reading, earliest, true);
      const message = `${topic}/${reading.place.partition} ends before offset ${reading.next}: Kafka has lost what was there`;
      throw new RecordLogError('topic_replaced', message);
    }
    if (isPassing(error)) throw new PassingFailure(`${topic}/${reading.place.partition}: ${error}`);
    if (error === 'CORRUPT_MESSAGE') throw this.#unreadable(reading, error);
    throw new RecordLogError('refused', `Kafka does not hand out ${topic}/${reading.place.partition}: ${error}`);
  }

  #skipTo(reading: Reading, offset: number, expired: boolean): void {
    const next = Math.min(offset, reading.range.end);
    if (expired) this.expired += next - reading.next;
    this.passed += next - reading.next;
    reading.next = next;
    this.#advancedAtMs = performance.now();
  }

  #unreadable({ place, next }: Reading, cause: unknown): RecordLogError {
    const message = `${place.topic}/${place.partition}: what is at offset ${next} cannot be read: ${describeFailure(cause)}`;
    return new RecordLogError('unreadable_batch', message, cause);
  }

  /** Who leads the partitions now? */
  async #relocate(): Promise<void> {
    await delay(this.#options.retryMs ?? defaultRetryMs);
    const places = await this.#locate().catch((error: unknown) => {
      if (error instanceof RecordLogError && error.code === 'kafka_unreachable') return [];
      throw error;
    });
    for (const place of places) {
      const reading = this.#readings.find((candidate) => candidate.place.partition === place.partition);
      if (reading === undefined) continue;
      if (reading.place.topicId !== place.topicId) {
        throw new RecordLogError('topic_replaced', `${place.topic} was deleted and created again while it was read`);
      }
      reading.place = place;
    }
  }

  #locate(): Promise<PartitionPlace[]> {
    return this.#options.cluster.locate(this.#options.topic);
  }

  #checkStall(cause: unknown): void {
    const { topic, stallMs = defaultStallMs } = this.#options;
    if (performance.now() - this.#advancedAtMs <= stallMs) return;
    const why = cause === undefined ? '' : `: ${describeFailure(cause)}`;
    throw new RecordLogError('stalled', `${topic}: Kafka has given nothing new for ${stallMs / 1000} s${why}`, cause);
  }
}
