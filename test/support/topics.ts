import { randomUUID } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import { visibleLeaders } from '../../deploy/local/kafka-ready.ts';
import { waitFor } from './wait-for.ts';

export interface TopicOptions {
  /** A unique one by default, so that tests share a broker without seeing each other's records. */
  readonly name?: string;
  readonly partitions: number;
  /** 1 by default. */
  readonly replication?: number;
  /** Topic settings by their Kafka names, e.g. `{ 'min.insync.replicas': '2' }`. */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * Creates a topic and waits until every broker in `bootstrap` knows a leader for each of its partitions.
 *
 * @returns its name
 */
export async function createTopic(bootstrap: readonly string[], options: TopicOptions): Promise<string> {
  const topic = options.name ?? `test-${randomUUID()}`;
  const admin = new Admin({ clientId: 'test-topics', bootstrapBrokers: [...bootstrap], retries: 3 });
  try {
    await admin.createTopics({
      topics: [topic],
      partitions: options.partitions,
      replicas: options.replication ?? 1,
      configs: Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value })),
    });
  } finally {
    await admin.close();
  }
  for (const broker of bootstrap) {
    await waitFor(async () => (await visibleLeaders(broker, topic)) === options.partitions, {
      deadlineMs: 30_000,
      what: `leaders of all partitions of ${topic} to be known to ${broker}`,
    });
  }
  return topic;
}
