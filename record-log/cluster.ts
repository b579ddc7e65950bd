import { type Connection, listOffsetsV7, metadataV12, ResponseError } from '@platformatic/kafka';
import { causeOf, newConnection, opened } from '../gateway/kafka/connections.ts';
import { describeFailure, errorName } from '../gateway/kafka/error-classes.ts';
import { topicRefused } from '../gateway/kafka/metadata.ts';
import { describeRefusal } from '../gateway/kafka/security/access-failure.ts';
import type { SecuritySettings } from '../gateway/kafka/security/settings.ts';
import { RecordLogError } from './errors.ts';
import { PassingFailure } from './passing-failure.ts';

/** One partition of a topic, as the cluster described it. */
export interface PartitionPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Node id; −1 while there is none. */
  readonly leader: number;
}

/** Where in a partition: a time (the first record that is not older) or one of its ends. */
export type Position = 'earliest' | 'latest' | { readonly timeMs: number };

const requestTimeoutMs = 30_000;
/** As the Kafka library has it by default. */
const maxRequestsInFlightPerBroker = 5;
const noError = 0;

/** As in Fetch and ListOffsets: 0 with, 1 without what belongs to transactions that were aborted or are not decided yet. */
export type Isolation = 0 | 1;
export const readUncommitted: Isolation = 0;
export const readCommitted: Isolation = 1;

/** Connections to the brokers of a cluster, one each, opened when needed. */
export class Cluster {
  readonly #bootstrap: readonly string[];
  readonly #security: SecuritySettings;
  readonly #connections = new Map<string, Promise<Connection>>();
  #brokers = new Map<number, string>();

  /** @param bootstrap `host:port` of brokers, any of which may be down. */
  constructor(bootstrap: readonly string[], security: SecuritySettings = {}) {
    this.#bootstrap = bootstrap;
    this.#security = security;
  }

  /** Where the partitions of the topic are, in their order. @throws {RecordLogError} `topic_missing`, `kafka_unreachable` */
  async locate(topic: string): Promise<PartitionPlace[]> {
    const { brokers, topics } = await this.#metadata(topic);
    this.#brokers = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]));
    const found = topics.find(({ name }) => name === topic);
    if (found !== undefined && errorName(found.errorCode) === topicRefused) throw refused(topic);
    if (found === undefined || found.partitions.length === 0) throw missing(topic);
    return found.partitions
      .map(({ partitionIndex, leaderId }) => ({
        topic,
        topicId: found.topicId,
        partition: partitionIndex,
        leader: leaderId,
      }))
      .sort((a, b) => a.partition - b.partition);
  }

  /**
   * Offsets of partitions of one topic, by partition; without one where no record is as late as the time.
   *
   * @throws {PassingFailure} when a leader does not answer, or is none any more.
   */
  async offsets(
    places: readonly PartitionPlace[],
    position: Position,
    isolation: Isolation,
  ): Promise<Map<number, number>> {
    const offsets = new Map<number, number>();
    for (const [leader, led] of Map.groupBy(places, (place) => place.leader)) {
      const connection = await this.connectionTo(leader);
      const partitions = led.map(({ partition }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: -1,
        timestamp: timestampOf(position),
      }));
      const wanted = [{ name: (led[0] as PartitionPlace).topic, partitions }];
      const answer = await passing(() => listOffsetsV7.api.async(connection, -1, isolation, wanted));
      for (const { partitionIndex, offset, errorCode } of answer.topics.flatMap((topic) => topic.partitions)) {
        if (errorCode !== noError) throw new PassingFailure(`ListOffsets: ${errorName(errorCode)}`);
        if (offset >= 0n) offsets.set(partitionIndex, Number(offset));
      }
    }
    return offsets;
  }

  /** The connection to a broker by its node id; opened again when it was lost. @throws {PassingFailure} */
  async connectionTo(nodeId: number): Promise<Connection> {
    const address = this.#brokers.get(nodeId);
    if (address === undefined) throw new PassingFailure(`broker ${nodeId} is not known or not alive`);
    return passing(() => this.#connect(address));
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    for (const connection of opened) if (connection.status === 'fulfilled') await connection.value.close();
  }

  async #metadata(topic: string): Promise<metadataV12.MetadataResponse> {
    let failure: unknown;
    for (const address of this.#bootstrap) {
      try {
        return await metadataV12.api.async(await this.#connect(address), [topic], false, false);
      } catch (error) {
        if (/UNKNOWN_TOPIC/.test(describeFailure(error))) throw missing(topic);
        // The library's parser throws for a partition without a leader, with the whole answer attached.
        if (error instanceof ResponseError && 'response' in error) {
          return error.response as metadataV12.MetadataResponse;
        }
        failure = error;
      }
    }
    const message = `no Kafka broker answers at ${this.#bootstrap.join(', ')}: ${describeRefusal(failure)}`;
    throw new RecordLogError('kafka_unreachable', message, failure);
  }

  async #connect(address: string): Promise<Connection> {
    const known = await this.#connections.get(address)?.catch(() => undefined);
    if (known?.isConnected()) return known;
    const connecting = open(address, this.#security);
    this.#connections.set(address, connecting);
    return connecting;
  }
}

async function open(text: string, security: SecuritySettings): Promise<Connection> {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const address = { host, port: Number(text.slice(colon + 1)) };
  const settings = { clientId: 'edge-ingest-reader', maxRequestsInFlightPerBroker, ...security };
  // One that is lost between two requests is opened again by the next one.
  const connection = newConnection(settings, address, requestTimeoutMs);
  try {
    await opened(connection, address);
  } catch (error) {
    throw causeOf(connection, error);
  }
  return connection;
}

const missing = (topic: string): RecordLogError =>
  new RecordLogError('topic_missing', `Kafka has no topic ${topic}; npm run topics -- plan shows what there should be`);

const refused = (topic: string): RecordLogError =>
  new RecordLogError('refused', `no permission for topic ${topic}: it takes Read; npm run topics -- acls shows more`);

/** Whatever a broker fails with may be over when the leaders have been looked up again. */
async function passing<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    throw new PassingFailure(describeRefusal(error), { cause: error });
  }
}

/** As in a ListOffsets request: −1 stands for the end, −2 for the beginning. */
function timestampOf(position: Position): bigint {
  if (position === 'latest') return -1n;
  return position === 'earliest' ? -2n : BigInt(position.timeMs);
}
