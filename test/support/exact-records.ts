import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';

// An independent reader: neither this client nor this decompressor has any part in what is tested.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressFrameSync(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressFrameSync(buffer),
});

/** A record with nothing of it turned into text: null is told from empty. Bytes as hex. */
export interface ExactRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: string;
  /** A header that occurs more than once has several values. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export const kafkaClient = (bootstrap: readonly string[]): kafkajs.Kafka =>
  new kafkajs.Kafka({
    brokers: [...bootstrap],
    clientId: 'test-exact',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 10 },
  });

const hexOf = (bytes: Buffer | string | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex');

/** Reads every partition of `topic` from its beginning to the end that it has at the time of the call. */
export async function readExactly(bootstrap: readonly string[], topic: string): Promise<ExactRecord[]> {
  const kafka = kafkaClient(bootstrap);
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
  await admin.disconnect();
  const next = new Map([...ends].map(([partition]) => [partition, 0]));
  const isDone = () => [...ends].every(([partition, end]) => (next.get(partition) ?? 0) >= end);
  const records: ExactRecord[] = [];
  if (isDone()) return records;
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await new Promise<void>((resolve, reject) => {
      const start = async () => {
        await consumer.subscribe({ topic, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            for (const message of batch.messages) records.push(exact(batch.partition, message));
            next.set(batch.partition, Number(batch.lastOffset()) + 1);
            if (isDone()) resolve();
          },
        });
      };
      start().catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function exact(partition: number, { offset, key, value, timestamp, headers = {} }: kafkajs.KafkaMessage): ExactRecord {
  return {
    partition,
    offset: Number(offset),
    key: hexOf(key),
    value: hexOf(value),
    timestamp,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, values]) => [
        name,
        (Array.isArray(values) ? values : [values]).map((header) => hexOf(header) ?? 'null'),
      ]),
    ),
  };
}

/** Everything of a record that a copy must have, in an order of its own for each key. */
export function byKey(records: readonly ExactRecord[]): Record<string, object[]> {
  const groups: Record<string, object[]> = {};
  for (const { key, value, timestamp, headers } of records) {
    const group = key ?? 'none';
    groups[group] ??= [];
    groups[group].push({ value, timestamp, headers });
  }
  return groups;
}
