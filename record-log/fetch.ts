import { type Connection, fetchV13, type Reader } from '@platformatic/kafka';
import type { Isolation } from './cluster.ts';

/** Records of a producer's transaction that was aborted, from an offset on. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** What one partition gave. */
export interface FetchedPartition {
  readonly partition: number;
  /** 0: none; else a Kafka error code. */
  readonly errorCode: number;
  /** What was before it has been deleted. */
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches as they are on the wire. */
  readonly batches: Buffer;
}

export interface WantedPartition {
  readonly partition: number;
  readonly offset: number;
}

const fetchKey = 1;
const fetchVersion = 13;
const maxFetchBytes = 8 << 20;
const maxPartitionBytes = 1 << 20;
const maxWaitMs = 500;
const noBytes = Buffer.alloc(0);

/**
 * One Fetch to the leader of these partitions, without a fetch session (KIP-227). Kafka gives at least one batch of the
 * first one that has any (KIP-74), however large; so that each gets on, their order must change from call to call.
 */
export function fetchPartitions(
  connection: Connection,
  topicId: string,
  wanted: readonly WantedPartition[],
  isolation: Isolation,
): Promise<FetchedPartition[]> {
  const partitions = wanted.map(({ partition, offset }) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    partitionMaxBytes: maxPartitionBytes,
  }));
  const request = () =>
    fetchV13.createRequest(maxWaitMs, 1, maxFetchBytes, isolation, 0, -1, [{ topicId, partitions }], [], '');
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer?: FetchedPartition[]): void =>
      error ? reject(error) : resolve(answer ?? []);
    connection.send(fetchKey, fetchVersion, request, readResponse, true, true, done);
  });
}

/** Fetch Response (Version: 13) of the protocol guide. The library's own parser would not verify checksums. */
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
    topic.readUUID();
    return topic.readArray((partition) => readPartition(partition, requestError));
  });
  return topics.flat();
}

function readPartition(reader: Reader, requestError: number): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16() || requestError;
  reader.skip(2 * 8); // high_watermark, last_stable_offset
  const logStartOffset = Number(reader.readInt64());
  const aborted =
    reader.readNullableArray((transaction) => ({
      producerId: transaction.readInt64(),
      firstOffset: Number(transaction.readInt64()),
    })) ?? [];
  reader.readInt32(); // preferred_read_replica
  // COMPACT_RECORDS: the length plus one; 0 for null.
  const length = Math.max(0, reader.readUnsignedVarInt() - 1);
  const batches = length === 0 ? noBytes : reader.buffer.slice(reader.position, reader.position + length);
  reader.skip(length);
  return { partition, errorCode, logStartOffset, aborted, batches };
}
