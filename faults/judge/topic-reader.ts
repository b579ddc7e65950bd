import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { JudgeError } from './judge-error.ts';
import { ReadProgress, type TopicBounds } from './read-progress.ts';

// An independent reader: neither this client nor this decompressor has any part in writing the records.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressFrame(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressFrame(buffer),
});

/** A record where it lies. Its bytes are the caller's only until the handler returns. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  /** How many partitions the topic has. */
  readonly partitions: number;
  readonly message: kafkajs.KafkaMessage;
}

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
   * @param onProgress told about once a second how many of the records have been read
   * @throws {JudgeError} when Kafka cannot be read, or hands out nothing for a minute
   */
  async read(
    bounds: TopicBounds,
    onRecord: (record: PlacedRecord) => Promise<void> | undefined,
    onProgress?: (read: number, inAll: number) => void,
  ): Promise<void> {
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
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // It starts again by itself, for example while the group's coordinator is loading; if it gets nowhere, that is a stall.
      if (!payload.restart) progress.fail('kafka_unreadable', payload.error);
    });
    const watch = setInterval(() => {
      onProgress?.(progress.read, progress.inAll);
      progress.checkStall(stallMs);
    }, 1000);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...bounds.keys()], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async (payload) => {
          const { topic, partition, messages } = payload.batch;
          const inTopic = bounds.get(topic)?.size ?? 0;
          for (const message of messages) {
            if (!progress.take(topic, partition, Number(message.offset))) continue;
            const pending = onRecord({ topic, partition, partitions: inTopic, message });
            if (pending) await pending;
          }
          progress.advance(topic, partition, Number(payload.batch.lastOffset()) + 1);
          await payload.heartbeat();
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
