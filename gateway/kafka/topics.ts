import { setTimeout as delay } from 'node:timers/promises';
import { createTopicsV7, describeConfigsV4, type metadataV12, ResponseError } from '@platformatic/kafka';
import type { ControlChannel } from './control-channel.ts';
import { describeFailure, errorName } from './error-classes.ts';
import { KafkaError } from './errors.ts';
import { fetchMetadata } from './metadata.ts';
import type { KafkaObserver } from './observer.ts';
import type { KafkaSettings } from './settings.ts';

type TopicMetadata = metadataV12.MetadataResponseTopic;

const createTimeoutMs = 10_000;
const appearDeadlineMs = 15_000;
const appearPollMs = 50;
/** `ConfigResource.Type.TOPIC` of the protocol. */
const topicResource = 2;

/**
 * Makes sure that every topic is there and can take what is promised for it; creates missing ones if that is allowed.
 * What is unwise, but works, is reported to the observer.
 *
 * @throws {KafkaError} `topic_missing`, `topic_not_created`, `topic_never_in_sync`; or what asking the cluster failed with.
 */
export async function prepareTopics(
  control: ControlChannel,
  topics: readonly string[],
  settings: KafkaSettings,
  observer: KafkaObserver,
): Promise<metadataV12.MetadataResponse> {
  let metadata = await fetchMetadata(control, topics);
  const missing = missingTopics(metadata, topics);
  if (missing.length > 0) {
    if (!settings.createTopics.enabled) throw topicMissing(missing, settings);
    await createTopics(control, missing, settings, observer);
    metadata = await untilThere(control, topics);
  }
  for (const topic of metadata.topics) await checkTopic(control, topic, settings, observer);
  return metadata;
}

function missingTopics(metadata: metadataV12.MetadataResponse, topics: readonly string[]): string[] {
  const there = new Set(metadata.topics.flatMap(({ name, partitions }) => (partitions.length > 0 ? [name] : [])));
  return topics.filter((topic) => !there.has(topic));
}

function topicMissing(missing: readonly string[], { createTopics }: KafkaSettings): KafkaError {
  const { partitions, replicationFactor, minInSyncReplicas } = createTopics;
  const commands = missing.map(
    (topic) =>
      `  kafka-topics.sh --bootstrap-server … --create --topic ${topic} --partitions ${partitions} ` +
      `--replication-factor ${replicationFactor} --config min.insync.replicas=${minInSyncReplicas}`,
  );
  return new KafkaError(
    'topic_missing',
    `Kafka has no topic ${missing.join(', ')} (or does not let this client see it). ` +
      `Create it, for example\n${commands.join('\n')}\nor set kafka.createTopics.enabled.`,
  );
}

async function createTopics(
  control: ControlChannel,
  topics: readonly string[],
  settings: KafkaSettings,
  observer: KafkaObserver,
): Promise<void> {
  const { partitions, replicationFactor, minInSyncReplicas } = settings.createTopics;
  const configs = [{ name: 'min.insync.replicas', value: String(minInSyncReplicas) }];
  const wanted = topics.map((name) => ({
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs,
  }));
  for (const topic of await requestCreation(control, wanted)) {
    const error = errorName(topic.errorCode);
    // Another gateway that starts at the same time may have been faster.
    if (error === 'TOPIC_ALREADY_EXISTS') continue;
    if (error !== 'NONE') {
      throw new KafkaError(
        'topic_not_created',
        `Kafka did not create ${topic.name}: ${error}, ${topic.errorMessage ?? ''}`,
      );
    }
    const message = `created with ${partitions} partitions, replication factor ${replicationFactor}, min.insync.replicas ${minInSyncReplicas}`;
    observer.topicFound({ topic: topic.name, code: 'created', message });
  }
}

async function requestCreation(
  control: ControlChannel,
  wanted: createTopicsV7.CreateTopicsRequestTopic[],
): Promise<createTopicsV7.CreateTopicsResponseTopic[]> {
  try {
    return (await control.ask((connection) => createTopicsV7.api.async(connection, wanted, createTimeoutMs, false)))
      .topics;
  } catch (error) {
    if (error instanceof ResponseError && 'response' in error) {
      return (error.response as createTopicsV7.CreateTopicsResponse).topics;
    }
    throw error;
  }
}

/** New topics appear at the brokers a moment after their creation was answered. */
async function untilThere(control: ControlChannel, topics: readonly string[]): Promise<metadataV12.MetadataResponse> {
  const deadline = performance.now() + appearDeadlineMs;
  for (;;) {
    const metadata = await fetchMetadata(control, topics);
    const missing = missingTopics(metadata, topics);
    if (missing.length === 0) return metadata;
    if (performance.now() > deadline) {
      throw new KafkaError('topic_not_created', `Kafka created ${missing.join(', ')}, but no broker shows it`);
    }
    await delay(appearPollMs);
  }
}

async function checkTopic(
  control: ControlChannel,
  topic: TopicMetadata,
  settings: KafkaSettings,
  observer: KafkaObserver,
): Promise<void> {
  const name = topic.name ?? '';
  const report = (code: Parameters<KafkaObserver['topicFound']>[0]['code'], message: string): void =>
    observer.topicFound({ topic: name, code, message });
  const replicas = Math.min(...topic.partitions.map(({ replicaNodes }) => replicaNodes.length));
  if (replicas === 1) {
    report('no_replication', 'replication factor 1: an acknowledged record is lost with the disk of one broker');
  }
  let config: ReadonlyMap<string, number>;
  try {
    config = await topicConfig(control, name);
  } catch (error) {
    report('settings_unreadable', `its settings cannot be read, so they are not checked: ${describeFailure(error)}`);
    return;
  }
  const minInSync = config.get('min.insync.replicas') ?? 1;
  if (minInSync > replicas) {
    throw new KafkaError(
      'topic_never_in_sync',
      `topic ${name}: min.insync.replicas is ${minInSync}, but it has ${replicas} replicas: no record can ever be ` +
        'acknowledged. Add replicas or lower min.insync.replicas.',
    );
  }
  if (replicas > 1 && minInSync < 2) {
    report(
      'unsafe_min_in_sync_replicas',
      `min.insync.replicas is ${minInSync}: an acknowledged record may be on one broker only. Set it to 2.`,
    );
  }
  const maxMessageBytes = config.get('max.message.bytes') ?? Number.POSITIVE_INFINITY;
  if (settings.maxBatchBytes > maxMessageBytes) {
    report(
      'batches_larger_than_topic_takes',
      `max.message.bytes is ${maxMessageBytes}, less than kafka.maxBatchBytes (${settings.maxBatchBytes}): batches that ` +
        'do not compress below it are refused and sent again in parts.',
    );
  }
}

/** The numeric settings of a topic that matter here. */
async function topicConfig(control: ControlChannel, topic: string): Promise<ReadonlyMap<string, number>> {
  const configurationKeys = ['min.insync.replicas', 'max.message.bytes'];
  const resource = { resourceType: topicResource, resourceName: topic, configurationKeys } as const;
  const { results } = await control.ask((connection) =>
    describeConfigsV4.api.async(connection, [resource], false, false),
  );
  const configs = results.flatMap((result) => result.configs);
  return new Map(configs.map(({ name, value }) => [name, Number(value)]));
}
