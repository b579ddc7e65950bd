import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';

// An independent reader: neither this client nor this decompressor has any part in writing the records.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressFrame(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressFrame(buffer),
});

export const judgeErrorCodes = ['kafka_unreadable', 'stalled'] as const;
export type JudgeErrorCode = (typeof judgeErrorCodes)[number];

/** Kafka could not be read to its end: then there is no verdict. */
export class JudgeError extends Error {
  readonly code: JudgeErrorCode;

  constructor(code: JudgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JudgeError';
    this.code = code;
  }
}

/** A record where it lies. Its bytes are the caller's only until the handler returns. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  /** How many partitions the topic has. */
  readonly partitions: number;
  readonly message: kafkajs.KafkaMessage;
}

/** By topic: where each partition begins and ends. */
export type TopicBounds = ReadonlyMap<string, ReadonlyMap<number, { readonly low: number; readonly high: number }>>;

const stallMs = 60_000;
/** Fetched at once. kafkajs unpacks all of it into objects, some thirty times as large, before the first is handed out. */
const fetchBytes = 2 * 1024 * 1024;
const partitionBytes = 256 * 1024;

/** Reads whole topics with kafkajs, batch by batch. */
export class TopicReader {
  readonly #kafka: kafkajs.Kafka;

  constructor(bootstrap: readonly string[]) {
    this.#kafka = new kafkajs.Kafka({
      brokers: [...bootstrap],
      clientId: 'fault-judge',
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 12, maxRetryTime: 5000 },
    });
  }

  /** The present bounds of the topics. @throws {JudgeError} when Kafka does not tell. */
  async bounds(topics: readonly string[]): Promise<TopicBounds> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const bounds = new Map<string, Map<number, { low: number; high: number }>>();
      for (const topic of topics) {
        const offsets = await admin.fetchTopicOffsets(topic);
        bounds.set(
          topic,
          new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }])),
        );
      }
      return bounds;
    } catch (cause) {
      throw new JudgeError('kafka_unreadable', `cannot look up the ends of ${topics.join(', ')}`, { cause });
    } finally {
      await admin.disconnect();
    }
  }

  /**
   * Hands out every record within the bounds, those of one partition in the order of their offsets.
   *
   * @throws {JudgeError} when Kafka cannot be read, or hands out nothing for a minute
   */
  async read(bounds: TopicBounds, onRecord: (record: PlacedRecord) => Promise<void> | undefined): Promise<void> {
    const progress = new ReadProgress(bounds);
    if (progress.isDone) return;
    const groupId = `fault-judge-${randomUUID()}`;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: 60_000,
      maxWaitTimeInMs: 100,
      maxBytes: fetchBytes,
      maxBytesPerPartition: partitionBytes,
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => progress.fail('kafka_unreadable', payload.error));
    const watch = setInterval(() => progress.checkStall(stallMs), 1000);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...bounds.keys()], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          const { topic, partition, messages } = batch;
          const inTopic = bounds.get(topic);
          const end = inTopic?.get(partition)?.high ?? 0;
          for (const message of messages) {
            if (Number(message.offset) >= end) break;
            const pending = onRecord({ topic, partition, partitions: inTopic?.size ?? 0, message });
            if (pending) await pending;
          }
          progress.advance(topic, partition, Number(batch.lastOffset()) + 1);
        },
      });
      await progress.done;
    } catch (cause) {
      if (cause instanceof JudgeError) throw cause;
      throw new JudgeError('kafka_unreadable', 'Kafka cannot be read back', { cause });
    } finally {
      clearInterval(watch);
      await consumer.disconnect();
    }
  }
}

/** How far each partition has been read. */
class ReadProgress {
  readonly done: Promise<void>;
  readonly #left = new Map<string, number>();
  readonly #finish: () => void;
  readonly #refuse: (error: JudgeError) => void;
  #advancedAtMs = performance.now();

  constructor(bounds: TopicBounds) {
    for (const [topic, partitions] of bounds) {
      for (const [partition, { low, high }] of partitions) {
        if (high > low) this.#left.set(`${topic}/${partition}`, high);
      }
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finish = resolve;
    this.#refuse = reject;
    // Whoever waits hears of it; nobody may be waiting yet.
    promise.catch(() => undefined);
  }

  get isDone(): boolean {
    return this.#left.size === 0;
  }

  advance(topic: string, partition: number, nextOffset: number): void {
    this.#advancedAtMs = performance.now();
    const place = `${topic}/${partition}`;
    if (nextOffset >= (this.#left.get(place) ?? Number.POSITIVE_INFINITY)) this.#left.delete(place);
    if (this.isDone) this.#finish();
  }

  checkStall(limitMs: number): void {
    if (performance.now() - this.#advancedAtMs < limitMs) return;
    this.fail('stalled', new Error(`not read to the end: ${[...this.#left.keys()].join(', ')}`));
  }

  fail(code: JudgeErrorCode, cause: Error): void {
    this.#refuse(new JudgeError(code, cause.message, { cause }));
  }
}
