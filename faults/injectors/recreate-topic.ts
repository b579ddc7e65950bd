import { type Connection, createTopicsV7, deleteTopicsV6, describeConfigsV4 } from '@platformatic/kafka';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { askAnyBroker } from './ask-broker.ts';
import { describePartitions, type PartitionState, waitForInSync } from './cluster-view.ts';

export interface RecreateOptions {
  /** Partitions of the new topic; as many as before when not given. */
  readonly partitions?: number;
  /** What happens while the topic does not exist; nothing by default. */
  readonly whileGone?: () => Promise<void>;
}

const CHANGE_TIMEOUT_MS = 10_000;
const TOPIC_RESOURCE = 2;
/** Kafka's source of a setting that was made for this topic. */
const DYNAMIC_TOPIC_CONFIG = 1;

interface TopicSetting {
  readonly name: string;
  readonly value: string | null;
}

/**
 * Deletes `topic` with all its records and creates one of the same name, replication and settings. Resolves when all
 * replicas of the new one are in sync on every broker of `bootstrap`.
 */
export async function recreateTopic(
  bootstrap: readonly string[],
  topic: string,
  options: RecreateOptions = {},
): Promise<void> {
  const before = await describePartitions(bootstrap, topic);
  const settings = await askAnyBroker(bootstrap, (connection) => settingsOf(connection, topic));
  await askAnyBroker(bootstrap, (connection) =>
    deleteTopicsV6.api.async(connection, [{ name: topic, topicId: null }], CHANGE_TIMEOUT_MS),
  );
  await untilGone(bootstrap, topic);
  await options.whileGone?.();
  await askAnyBroker(bootstrap, (connection) => create(connection, topic, before, settings, options.partitions));
  await waitForInSync(bootstrap, [topic], before[0]?.replicas.length ?? 1);
}

/** Every broker has to have heard of the deletion: one that has not would take the new topic for the old one. */
async function untilGone(bootstrap: readonly string[], topic: string): Promise<void> {
  for (const address of bootstrap) {
    await waitFor(async () => (await describePartitions([address], topic)).length === 0, {
      deadlineMs: 30_000,
      what: `${address} to forget ${topic}`,
    });
  }
}

async function settingsOf(connection: Connection, topic: string): Promise<TopicSetting[]> {
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic } as const;
  const { results } = await describeConfigsV4.api.async(connection, [resource], false, false);
  return results
    .flatMap(({ configs }) => configs)
    .filter(({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG)
    .map(({ name, value }) => ({ name, value: value ?? null }));
}

async function create(
  connection: Connection,
  topic: string,
  before: readonly PartitionState[],
  settings: readonly TopicSetting[],
  partitions = before.length,
): Promise<void> {
  const wish = {
    name: topic,
    numPartitions: partitions,
    replicationFactor: before[0]?.replicas.length ?? 1,
    assignments: [],
    configs: [...settings],
  };
  await createTopicsV7.api.async(connection, [wish], CHANGE_TIMEOUT_MS, false);
}
