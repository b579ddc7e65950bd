import type { TopicCluster } from '../../topics/cluster.ts';
import type { Creation, PartitionsChange, SettingChange } from '../../topics/plan.ts';
import type { ActualCluster, ActualSetting, ActualTopic } from '../../topics/wanted.ts';

/** What a broker has of a setting that a topic does not set. */
export const brokerDefaults: Readonly<Record<string, string>> = {
  'min.insync.replicas': '1',
  'retention.ms': '604800000',
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '1048588',
  'segment.ms': '604800000',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '3600000',
  'unclean.leader.election.enable': 'false',
};

/** A topic with settings of its own over those of the brokers. */
export function modelledTopic(
  partitions: number,
  replication: number,
  own: Readonly<Record<string, string>> = {},
): ActualTopic {
  const settings = new Map<string, ActualSetting>();
  for (const [name, value] of Object.entries(brokerDefaults)) settings.set(name, { value, own: false });
  for (const [name, value] of Object.entries(own)) settings.set(name, { value, own: true });
  return { partitions, replication, mostReplicas: replication, settings };
}

/** Kafka as far as topics go: it refuses what Kafka refuses, and shows a change at once. */
export class ModelledCluster implements TopicCluster {
  readonly topics: Map<string, ActualTopic>;
  readonly brokers: number;
  /** Requests that changed something, in their order. */
  readonly requests: string[] = [];

  constructor(brokers: number, topics: ReadonlyMap<string, ActualTopic> = new Map()) {
    this.brokers = brokers;
    this.topics = new Map(topics);
  }

  read(names: readonly string[]): Promise<ActualCluster> {
    const topics = new Map([...this.topics].filter(([name]) => names.includes(name)));
    const others = [...this.topics.keys()].filter((name) => !names.includes(name));
    return Promise.resolve({ brokers: this.brokers, topics, others });
  }

  create({ wanted }: Creation): Promise<void> {
    this.requests.push(`create ${wanted.name}`);
    if (this.topics.has(wanted.name)) throw new Error('TOPIC_ALREADY_EXISTS');
    if (wanted.replication > this.brokers) throw new Error('INVALID_REPLICATION_FACTOR');
    const topic = modelledTopic(wanted.partitions, wanted.replication, Object.fromEntries(wanted.settings));
    this.topics.set(wanted.name, topic);
    return Promise.resolve();
  }

  set(name: string, changes: readonly SettingChange[]): Promise<void> {
    this.requests.push(`set ${name}`);
    const topic = this.#get(name);
    const settings = new Map(topic.settings);
    for (const { kafkaName, to } of changes) settings.set(kafkaName, { value: to, own: true });
    this.topics.set(name, { ...topic, settings });
    return Promise.resolve();
  }

  addPartitions({ topic: name, to }: PartitionsChange): Promise<void> {
    this.requests.push(`partitions ${name}`);
    const topic = this.#get(name);
    if (to <= topic.partitions) throw new Error('INVALID_PARTITIONS');
    this.topics.set(name, { ...topic, partitions: to });
    return Promise.resolve();
  }

  #get(name: string): ActualTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Error('UNKNOWN_TOPIC_OR_PARTITION');
    return topic;
  }
}
