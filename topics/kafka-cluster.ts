import {
  Admin,
  type ConfigDescription,
  ConfigResourceTypes,
  ConfigSources,
  IncrementalAlterConfigOperationTypes,
} from '@platformatic/kafka';
import { adminOptions } from './admin-options.ts';
import type { TopicCluster } from './cluster.ts';
import type { ClusterConnection } from './connection.ts';
import type { Creation, PartitionsChange, SettingChange } from './plan.ts';
import type { ActualCluster, ActualSetting, ActualTopic } from './wanted.ts';

/** Topics of a real cluster. Whatever fails there is thrown as it comes from the Kafka library. */
export class KafkaCluster implements TopicCluster {
  readonly #admin: Admin;

  /** Connects with the first question. @throws {KafkaAccessError} when a file of credentials cannot be used. */
  constructor(connection: ClusterConnection) {
    this.#admin = new Admin(adminOptions(connection, 'edge-ingest-topics'));
  }

  async read(topics: readonly string[]): Promise<ActualCluster> {
    const all = await this.#admin.listTopics();
    const known = topics.filter((topic) => all.includes(topic));
    const metadata = await this.#admin.metadata({ topics: known, autocreateTopics: false, forceUpdate: true });
    const settings = await this.#settings(known);
    const found = known.flatMap((name): [string, ActualTopic][] => {
      const topic = metadata.topics.get(name);
      if (topic === undefined) return [];
      const replicas = topic.partitions.map((partition) => partition.replicas.length);
      const state = {
        partitions: topic.partitionsCount,
        replication: Math.min(...replicas),
        mostReplicas: Math.max(...replicas),
        settings: settings.get(name) ?? new Map<string, ActualSetting>(),
      };
      return [[name, state]];
    });
    const others = all.filter((name) => !topics.includes(name)).sort();
    return { brokers: metadata.brokers.size, topics: new Map(found), others };
  }

  async create({ wanted }: Creation): Promise<void> {
    await this.#admin.createTopics({
      topics: [wanted.name],
      partitions: wanted.partitions,
      replicas: wanted.replication,
      configs: [...wanted.settings].map(([name, value]) => ({ name, value })),
    });
  }

  async set(topic: string, changes: readonly SettingChange[]): Promise<void> {
    const configs = changes.map(({ kafkaName, to }) => ({
      name: kafkaName,
      value: to,
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }));
    await this.#admin.incrementalAlterConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs }],
    });
  }

  async addPartitions({ topic, to }: PartitionsChange): Promise<void> {
    // Without assignments the brokers choose where the new partitions live.
    await this.#admin.createPartitions({ topics: [{ name: topic, count: to, assignments: null }] });
  }

  close(): Promise<void> {
    return this.#admin.close();
  }

  async #settings(topics: readonly string[]): Promise<Map<string, ReadonlyMap<string, ActualSetting>>> {
    if (topics.length === 0) return new Map();
    const resources = topics.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName }));
    const descriptions = await this.#admin.describeConfigs({ resources });
    return new Map(descriptions.map((description) => [description.resourceName, settingsOf(description)]));
  }
}

const settingsOf = ({ configs }: ConfigDescription): ReadonlyMap<string, ActualSetting> =>
  new Map(
    configs.map(({ name, value, configSource }) => {
      const own = configSource === ConfigSources.DYNAMIC_TOPIC_CONFIG;
      return [name, { value: value ?? '', own }];
    }),
  );
