import { type Reader, Writer } from '@platformatic/kafka';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import type { Lane } from './lane.ts';

export const produceKey = 0;
/** The first version with compact encoding; brokers from 2.4 up to all 4.x take it. */
export const produceVersion = 9;

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

/**
 * Produce Request (Version: 9) => transactional_id acks timeout_ms [topic_data] TAG_BUFFER
 *   topic_data => name [partition_data] TAG_BUFFER
 *     partition_data => index records TAG_BUFFER
 *
 * The batches' bytes are copied when the library joins the parts; they may be stamped anew after the attempt.
 */
export function writeProduceRequest(passengers: readonly Passenger[], timeoutMs: number): Writer {
  const byTopic = new Map<string, Passenger[]>();
  for (const passenger of passengers) {
    const others = byTopic.get(passenger.lane.topic);
    if (others === undefined) byTopic.set(passenger.lane.topic, [passenger]);
    else others.push(passenger);
  }
  return Writer.create()
    .appendString(null)
    .appendInt16(allInSyncReplicas)
    .appendInt32(timeoutMs)
    .appendArray([...byTopic], (topicData, [topic, ofTopic]) => {
      topicData.appendString(topic).appendArray(ofTopic, (partitionData, { lane, batch }) => {
        partitionData.appendInt32(lane.partition).appendBytes(batch.bytes);
      });
    })
    .appendTaggedFields();
}

/**
 * Produce Response (Version: 9) => [responses] throttle_time_ms TAG_BUFFER
 *   responses => name [partition_responses] TAG_BUFFER
 *     partition_responses => index error_code base_offset log_append_time_ms log_start_offset [record_errors]
 *                            error_message TAG_BUFFER
 *       record_errors => batch_index batch_index_error_message TAG_BUFFER
 *
 * Unlike the library's parser, it does not throw for the error of a partition: each lane is settled by its own.
 */
export function parseProduceResponse(
  _correlationId: number,
  _key: number,
  _version: number,
  reader: Reader,
): ProduceAnswer {
  const partitions: PartitionAnswer[] = [];
  reader.readArray(() => {
    const topic = reader.readString();
    reader.readArray(() => {
      partitions.push(readPartition(reader, topic));
    });
  });
  return { partitions, throttleMs: reader.readInt32() };
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
