import { createAPI, type Reader, Writer } from '@platformatic/kafka';

/** What became of the election of one partition. */
export interface ElectionResult {
  readonly topic: string;
  readonly partition: number;
  /** 0, or Kafka's error code: 84 when the preferred replica already leads, 80 when it is not in sync. */
  readonly errorCode: number;
}

const ELECT_LEADERS_KEY = 43;
const ELECT_LEADERS_VERSION = 2;
/** The first of the assigned replicas; the other type, 1, is the unclean election. */
const PREFERRED = 0;

/**
 * ElectLeaders Request (Version: 2) => election_type [topic_partitions] timeout_ms TAG_BUFFER
 *   topic_partitions => topic [partitions] TAG_BUFFER
 */
function writeRequest(topic: string, partitions: readonly number[], timeoutMs: number): Writer {
  return Writer.create()
    .appendInt8(PREFERRED)
    .appendArray([topic], (writer, name) => {
      writer
        .appendString(name)
        .appendArray([...partitions], (inner, partition) => inner.appendInt32(partition), true, false);
    })
    .appendInt32(timeoutMs)
    .appendTaggedFields();
}

/**
 * ElectLeaders Response (Version: 2) => throttle_time_ms error_code [replica_election_results] TAG_BUFFER
 *   replica_election_results => topic [partition_result] TAG_BUFFER
 *     partition_result => partition_id error_code error_message TAG_BUFFER
 */
function parseResponse(_correlationId: number, _key: number, _version: number, reader: Reader): ElectionResult[] {
  const results: ElectionResult[] = [];
  reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readArray(() => {
    const topic = reader.readString();
    reader.readArray(() => {
      const partition = reader.readInt32();
      const ofPartition = reader.readInt16();
      reader.readNullableString();
      results.push({ topic, partition, errorCode: errorCode === 0 ? ofPartition : errorCode });
    });
  });
  reader.readTaggedFields();
  return results;
}

/** Makes the preferred replica of each partition its leader. The library has no function for this request. */
export const electLeaders = createAPI<
  [topic: string, partitions: readonly number[], timeoutMs: number],
  ElectionResult[]
>(ELECT_LEADERS_KEY, ELECT_LEADERS_VERSION, writeRequest, parseResponse);
