import { type Connection, fetchV13, type Reader } from '@platformatic/kafka';

/** What one partition gave. */
export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  /** 0: none; else a Kafka error code. */
  readonly errorCode: number;
  /** Record batches as they are on the wire. */
  readonly batches: Buffer;
}

export interface WantedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: bigint;
}

const fetchKey = 1;
const fetchVersion = 13;
const maxFetchBytes = 32 << 20;
const maxPartitionBytes = 4 << 20;
const maxWaitMs = 500;
const noBytes = Buffer.alloc(0);

/**
 * One Fetch to the leader of these partitions. The request is the Kafka library's; its response parser makes some thirty
 * objects per record, which is most of the time of a read-back, so that the batches are left as bytes here.
 */
export function fetchPartitions(
  connection: Connection,
  wanted: readonly WantedPartition[],
): Promise<FetchedPartition[]> {
  const topics = [...Map.groupBy(wanted, ({ topicId }) => topicId)].map(([topicId, own]) => ({
    topicId,
    partitions: own.map(({ partition, offset }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: offset,
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxPartitionBytes,
    })),
  }));
  // No fetch session (KIP-227): id 0 and epoch −1. Every request names all that it wants.
  const request = () => fetchV13.createRequest(maxWaitMs, 1, maxFetchBytes, 0, 0, -1, topics, [], '');
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer?: FetchedPartition[]): void =>
      error ? reject(error) : resolve(answer ?? []);
    connection.send(fetchKey, fetchVersion, request, readResponse, true, true, done);
  });
}

/** Fetch Response (Version: 13) of the protocol guide. */
function readResponse(
  _correlationId: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Reader,
): FetchedPartition[] {
  reader.readInt32(); // throttle_time_ms
  const requestError = reader.readInt16();
  reader.readInt32(); // session_id
  const topics = reader.readArray((topic) => {
    const topicId = topic.readUUID();
    return topic.readArray((partition) => readPartition(partition, topicId, requestError));
  });
  return topics.flat();
}

function readPartition(reader: Reader, topicId: string, requestError: number): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16() || requestError;
  reader.skip(3 * 8); // high_watermark, last_stable_offset, log_start_offset
  reader.readNullableArray((aborted) => aborted.skip(2 * 8)); // aborted_transactions
  reader.readInt32(); // preferred_read_replica
  // COMPACT_RECORDS: the length plus one; 0 for null.
  const length = Math.max(0, reader.readUnsignedVarInt() - 1);
  const batches = length === 0 ? noBytes : reader.buffer.slice(reader.position, reader.position + length);
  reader.skip(length);
  return { topicId, partition, errorCode, batches };
}
