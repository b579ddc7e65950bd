import { type Reader, type ResponseParser, Writer } from '@platformatic/kafka';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import type { Lane } from './lane.ts';

export const produceKey = 0;
/** The first version with compact encoding: names topics. */
const versionWithNames = 9;
/**
 * Names topics by their ids (KIP-516; Kafka 4.1 and later): what was meant for a topic that is gone cannot end up in
 * another one of the same name.
 */
export const versionWithIds = 13;

const allInSyncReplicas = -1;

/** One lane's batch in a request. */
export interface Passenger {
  readonly lane: Lane;
  readonly batch: SealedBatch;
}

/** What a broker says about one partition of a request. */
export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** Indices into the batch of records that made the broker refuse it; often empty. */
  readonly offenders: readonly number[];
}

export interface ProduceAnswer {
  readonly partitions: readonly PartitionAnswer[];
  /** The broker will not read further requests for this long. */
  readonly throttleMs: number;
}

/** A Produce request, and how the answer to it is read. */
export interface ProduceRequest {
  readonly version: number;
  readonly body: Writer;
  readonly parse: ResponseParser<ProduceAnswer>;
}

interface TopicOfRequest {
  readonly name: string;
  readonly id: string | undefined;
  readonly passengers: Passenger[];
}

/**
 * Produce Request (Version: 9, 13) => transactional_id acks timeout_ms [topic_data] TAG_BUFFER
 *   topic_data => name (9) or topic_id (13) [partition_data] TAG_BUFFER
 *     partition_data => index records TAG_BUFFER
 *
 * The batches' bytes are copied when the library joins the parts; they may be stamped anew after the attempt.
 *
 * @param maxVersion the latest that the broker takes.
 */
export function produceRequest(
  passengers: readonly Passenger[],
  timeoutMs: number,
  maxVersion: number,
): ProduceRequest {
  const topics = byTopic(passengers);
  const withIds = maxVersion >= versionWithIds && topics.every(({ id }) => id !== undefined);
  const body = Writer.create()
    .appendString(null)
    .appendInt16(allInSyncReplicas)
    .appendInt32(timeoutMs)
    .appendArray(topics, (topicData, { name, id, passengers: ofTopic }) => {
      if (withIds) topicData.appendUUID(id);
      else topicData.appendString(name);
      topicData.appendArray(ofTopic, (partitionData, { lane, batch }) => {
        partitionData.appendInt32(lane.partition).appendBytes(batch.bytes);
      });
    })
    .appendTaggedFields();
  if (!withIds) return { version: versionWithNames, body, parse: parserOf((reader) => reader.readString()) };
  // The lane's id may be another one by the time of the answer.
  const names = new Map(topics.map(({ id, name }) => [id, name]));
  const readTopic = (reader: Reader): string => names.get(reader.readUUID()) ?? '';
  return { version: versionWithIds, body, parse: parserOf(readTopic) };
}

function byTopic(passengers: readonly Passenger[]): TopicOfRequest[] {
  const topics = new Map<string, TopicOfRequest>();
  for (const passenger of passengers) {
    const { topic: name, topicId: id } = passenger.lane;
    const known = topics.get(name);
    if (known === undefined) topics.set(name, { name, id, passengers: [passenger] });
    else known.passengers.push(passenger);
  }
  return [...topics.values()];
}

/**
 * Produce Response (Version: 9, 13) => [responses] throttle_time_ms TAG_BUFFER
 *   responses => name (9) or topic_id (13) [partition_responses] TAG_BUFFER
 *     partition_responses => index error_code base_offset log_append_time_ms log_start_offset [record_errors]
 *                            error_message TAG_BUFFER
 *       record_errors => batch_index batch_index_error_message TAG_BUFFER
 *
 * Unlike the library's parser, it does not throw for the error of a partition: each lane is settled by its own.
 */
function parserOf(readTopic: (reader: Reader) => string): ResponseParser<ProduceAnswer> {
  return (_correlationId, _key, _version, reader) => {
    const partitions: PartitionAnswer[] = [];
    reader.readArray(() => {
      const topic = readTopic(reader);
      reader.readArray(() => {
        partitions.push(readPartition(reader, topic));
      });
    });
    return { partitions, throttleMs: reader.readInt32() };
  };
}

const offsetAndTimesBytes = 24;

function readPartition(reader: Reader, topic: string): PartitionAnswer {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(offsetAndTimesBytes);
  const offenders = reader.readArray(() => {
    const index = reader.readInt32();
    reader.readNullableString();
    return index;
  });
  return { topic, partition, errorCode, offenders, errorMessage: reader.readNullableString() };
}
