import { Connection, listOffsetsV7, metadataV12 } from '@platformatic/kafka';
import { VerifyError } from './errors.ts';

/** One partition of a topic, as the cluster described it. */
export interface PartitionPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Partitions of the topic. */
  readonly partitions: number;
  readonly leader: number;
}

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 30_000;
const latest = -1n;
const earliest = -2n;

/** Connections to the brokers of a cluster, one each, opened when needed. */
export class Cluster {
  readonly #bootstrap: readonly string[];
  readonly #connections = new Map<string, Promise<Connection>>();
  #brokers = new Map<number, string>();

  /** @param bootstrap `host:port` of brokers, any of which may be down */
  constructor(bootstrap: readonly string[]) {
    this.#bootstrap = bootstrap;
  }

  /** Where the partitions of these topics are. Throws `VerifyError` when no broker answers or a topic does not exist. */
  async locate(topics: readonly string[]): Promise<PartitionPlace[]> {
    const metadata = await this.#metadata(topics);
    this.#brokers = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]));
    return metadata.topics.flatMap(({ name, topicId, partitions }) =>
      partitions.map(({ partitionIndex, leaderId }) => ({
        topic: name ?? '',
        topicId,
        partition: partitionIndex,
        partitions: partitions.length,
        leader: leaderId,
      })),
    );
  }

  /** First and end offsets of partitions, by `topic/partition`. */
  async offsets(places: readonly PartitionPlace[], at: 'earliest' | 'latest'): Promise<Map<string, bigint>> {
    const offsets = new Map<string, bigint>();
    for (const [leader, led] of Map.groupBy(places, (place) => place.leader)) {
      const connection = await this.connectionTo(leader);
      const topics = [...Map.groupBy(led, (place) => place.topic)].map(([name, own]) => ({
        name,
        partitions: own.map(({ partition }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: -1,
          timestamp: at === 'latest' ? latest : earliest,
        })),
      }));
      const answer = await listOffsetsV7.api.async(connection, -1, 0, topics);
      for (const topic of answer.topics) {
        for (const { partitionIndex, offset } of topic.partitions)
          offsets.set(`${topic.name}/${partitionIndex}`, offset);
      }
    }
    return offsets;
  }

  /** The connection to a broker by its node id; opened again when it was lost. */
  async connectionTo(nodeId: number): Promise<Connection> {
    const address = this.#brokers.get(nodeId);
    if (address === undefined)
      throw new VerifyError('partition_unavailable', `broker ${nodeId} is not known or not alive`);
    return this.#connect(address);
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    for (const connection of opened) if (connection.status === 'fulfilled') await connection.value.close();
  }

  async #metadata(topics: readonly string[]): Promise<metadataV12.MetadataResponse> {
    let failure: unknown;
    for (const address of this.#bootstrap) {
      try {
        return await metadataV12.api.async(await this.#connect(address), [...topics], false);
      } catch (error) {
        if (isUnknownTopic(error)) {
          throw new VerifyError('no_topic', `Kafka has no topic ${topics.join(', ')}`, { cause: error });
        }
        failure = error;
      }
    }
    const message = `no Kafka broker answers at ${this.#bootstrap.join(', ')}`;
    throw new VerifyError('kafka_unreachable', message, { cause: failure });
  }

  async #connect(address: string): Promise<Connection> {
    const known = await this.#connections.get(address)?.catch(() => undefined);
    if (known?.isConnected()) return known;
    const connecting = open(address);
    this.#connections.set(address, connecting);
    return connecting;
  }
}

async function open(address: string): Promise<Connection> {
  const colon = address.lastIndexOf(':');
  const connection = new Connection('device-simulator-verify', {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
  });
  // A connection that is lost between two requests is opened again by the next one.
  connection.on('error', () => undefined);
  await connection.connect(address.slice(0, colon), Number(address.slice(colon + 1)));
  return connection;
}

const isUnknownTopic = (error: unknown): boolean => /UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID/.test(describe(error));

/** All messages and codes of an error and of what caused it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const inner = 'errors' in error && Array.isArray(error.errors) ? error.errors.map(describe).join(' ') : '';
  const apiId = 'apiId' in error ? String(error.apiId) : '';
  return `${error.message} ${apiId} ${inner} ${describe(error.cause)}`;
}
