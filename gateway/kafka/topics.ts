import { setTimeout as delay } from 'node:timers/promises';
import { createTopicsV7, describeConfigsV4, type metadataV12, ResponseError } from '@platformatic/kafka';
import { demandedSettings, type TopicDemands, topicMisfits } from '../core/topic-demands.ts';
import type { ControlChannel } from './control-channel.ts';
import { describeFailure, errorName } from './error-classes.ts';
import { KafkaError } from './errors.ts';
import { fetchMetadata, hiddenTopics } from './metadata.ts';
import type { KafkaObserver } from './observer.ts';
import { accessFailureNamed, KafkaAccessError } from './security/access-failure.ts';
import type { KafkaSettings } from './settings.ts';

type TopicMetadata = metadataV12.MetadataResponseTopic;

const createTimeoutMs = 10_000;
const appearDeadlineMs = 15_000;
const appearPollMs = 50;
/** `ConfigResource.Type.TOPIC` of the protocol. */
const topicResource = 2;
const remedy = 'npm run topics -- plan shows how the topic should be set';

/**
 * Makes sure that every topic is there and can take what is promised for it; creates missing ones if that is allowed.
 * What is unwise, but works, is reported to the observer.
 *
 * @throws {KafkaAccessError} when the client may not see or create one, which somebody may still grant.
 * @throws {KafkaError} `topic_missing`, `topic_not_created`, `topic_never_in_sync`; or what asking the cluster failed with.
 */
export async function prepareTopics(
  control: ControlChannel,
  topics: readonly string[],
  settings: KafkaSettings,
  observer: KafkaObserver,
): Promise<metadataV12.MetadataResponse> {
  let metadata = await fetchMetadata(control, topics);
  const hidden = hiddenTopics(metadata);
  if (hidden.length > 0) throw new KafkaAccessError('topic_not_authorized', `no permission for ${hidden.join(', ')}`);
  const missing = missingTopics(metadata, topics);
  if (missing.length > 0) {
    if (!settings.createTopics.enabled) throw topicMissing(missing, settings);
    await createTopics(control, missing, settings, observer);
    metadata = await untilThere(control, topics);
  }
  const { demands, maxBatchBytes } = settings;
  for (const topic of metadata.topics) {
    await checkTopic(control, topic, demands?.get(topic.name ?? '') ?? { maxBatchBytes }, observer);
  }
  return metadata;
}

function missingTopics(metadata: metadataV12.MetadataResponse, topics: readonly string[]): string[] {
  const there = new Set(metadata.topics.flatMap(({ name, partitions }) => (partitions.length > 0 ? [name] : [])));
  return topics.filter((topic) => !there.has(topic));
}

function topicMissing(missing: readonly string[], { bootstrapBrokers }: KafkaSettings): KafkaError {
  const [it, isNot] = missing.length === 1 ? ['it', 'it is not'] : ['them', 'they are not'];
  return new KafkaError(
    'topic_missing',
    `Kafka has no topic ${missing.join(', ')} (or does not let this client see it). Create ${it} as reviewed with\n` +
      `  npm run topics -- apply --kafka ${bootstrapBrokers.join(',')}\n` +
      `after adding ${it} to schemas/topics.yaml where ${isNot} there yet; for development set ` +
      'kafka.createTopics.enabled.',
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
    const refusal = accessFailureNamed(error);
    if (refusal !== undefined) throw new KafkaAccessError(refusal.code, `${topic.name} may not be created`);
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
  demands: TopicDemands,
  observer: KafkaObserver,
): Promise<void> {
  const name = topic.name ?? '';
  const replication = Math.min(...topic.partitions.map(({ replicaNodes }) => replicaNodes.length));
  const settings = await readSettings(control, name, observer);
  // A topic of the cluster that does not say how many replicas must be in sync has Kafka's default.
  const minInSync = Number(settings.get('min.insync.replicas') ?? 1);
  if (minInSync > replication) {
    throw new KafkaError(
      'topic_never_in_sync',
      `topic ${name}: min.insync.replicas is ${minInSync}, but it has ${replication} replicas: no record can ever be ` +
        'acknowledged. Add replicas or lower min.insync.replicas.',
    );
  }
  for (const { code, message } of topicMisfits({ replication, settings }, demands)) {
    observer.topicFound({ topic: name, code, message: `${message}. ${remedy}` });
  }
}

/** None when they cannot be read, which is reported: a client may write to a topic that it must not describe. */
async function readSettings(
  control: ControlChannel,
  topic: string,
  observer: KafkaObserver,
): Promise<ReadonlyMap<string, string>> {
  const configurationKeys = [...demandedSettings];
  const resource = { resourceType: topicResource, resourceName: topic, configurationKeys } as const;
  try {
    const { results } = await control.ask((connection) =>
      describeConfigsV4.api.async(connection, [resource], false, false),
    );
    const configs = results.flatMap((result) => result.configs);
    return new Map(configs.flatMap(({ name, value }): [string, string][] => (value == null ? [] : [[name, value]])));
  } catch (error) {
    const message = `its settings cannot be read, so they are not checked: ${describeFailure(error)}`;
    observer.topicFound({ topic, code: 'settings_unreadable', message });
    return new Map();
  }
}
