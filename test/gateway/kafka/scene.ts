import { afterEach } from 'vitest';
import { Producer } from '../../../gateway/kafka/producer.ts';
import type { KafkaSettings } from '../../../gateway/kafka/settings.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FakeCluster } from './fake/fake-cluster.ts';
import { quickSettings, RecordingObserver, Settlements, textEncoder } from './recording.ts';

export const topic = 'events';
/** What is closed after each test, the last one first. */
export const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export interface SceneOptions {
  readonly brokers?: number;
  readonly partitions?: number;
  readonly settings?: Partial<KafkaSettings>;
  /** The latest version of Produce requests that the brokers take: 9 names topics, 13 identifies them. */
  readonly produceVersion?: number;
}

/** A producer of one topic on a fake cluster, and what became of its records. */
export async function scene(options: SceneOptions = {}) {
  const cluster = await FakeCluster.start(options.brokers ?? 1, { [topic]: options.partitions ?? 1 });
  closing.push(() => cluster.close());
  if (options.produceVersion !== undefined) cluster.produceVersion = options.produceVersion;
  const recording = new RecordingObserver();
  const producer = await Producer.start({
    ...quickSettings,
    bootstrapBrokers: cluster.bootstrap,
    topics: [topic],
    observer: recording.observer,
    ...options.settings,
  });
  closing.push(() => producer.close());
  const settlements = new Settlements();
  const append = (value: string, key = 'vehicle') =>
    producer.append(topic, key, 1_700_000_000_000, textEncoder, value, settlements.of(value));
  const settled = (count: number) =>
    waitFor(() => settlements.settled.length >= count, {
      deadlineMs: 10_000,
      everyMs: 2,
      what: () =>
        `${count} settlements, so far ${settlements.settled.length}: ${JSON.stringify(recording.events.slice(-5))}`,
    });
  return { cluster, producer, recording, settlements, append, settled };
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);
