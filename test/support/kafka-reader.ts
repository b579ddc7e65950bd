import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { waitFor } from './wait-for.ts';

// An independent reader: neither this client nor this decompressor has any part in writing the records.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressFrameSync(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressFrameSync(buffer),
});

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads every partition of `topic` from its beginning to the end that it has at the time of the call. */
export async function readTopic(bootstrap: readonly string[], topic: string): Promise<ReadRecord[]> {
  const kafka = new kafkajs.Kafka({
    brokers: [...bootstrap],
    clientId: 'test-reader',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 10 },
  });
  const admin = kafka.admin();
  await admin.connect();
  // Of a topic that was created a moment ago, not every partition has its leader yet.
  const offsets = await waitFor(() => admin.fetchTopicOffsets(topic), {
    deadlineMs: 20_000,
    what: `every partition of ${topic} to have a leader`,
  });
  const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  await admin.disconnect();
  const records: ReadRecord[] = [];
  const next = new Map([...ends.keys()].map((partition) => [partition, 0]));
  const done = () => [...ends].every(([partition, end]) => (next.get(partition) ?? 0) >= end);
  if (done()) return records;

  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) {
          records.push({
            partition: batch.partition,
            offset: Number(message.offset),
            key: message.key?.toString() ?? '',
            value: message.value,
            timestampMs: Number(message.timestamp),
            headers: Object.fromEntries(
              Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
            ),
          });
        }
        next.set(batch.partition, Number(batch.lastOffset()) + 1);
      },
    });
    await waitFor(done, { deadlineMs: 60_000, what: `every record of ${topic} to be read` });
  } finally {
    await consumer.disconnect();
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
