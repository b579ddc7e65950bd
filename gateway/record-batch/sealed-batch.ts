import { compressionsAlgorithms, crc32c } from '@platformatic/kafka';
import type { Settleable } from '../core/publish.ts';

/**
 * A record batch of Kafka's message format v2:
 *
 *     0 baseOffset int64 · 8 batchLength int32 · 12 partitionLeaderEpoch int32 · 16 magic int8 (2) · 17 crc uint32
 *     21 attributes int16 · 23 lastOffsetDelta int32 · 27 baseTimestamp int64 · 35 maxTimestamp int64
 *     43 producerId int64 · 51 producerEpoch int16 · 53 baseSequence int32 · 57 records int32 · 61 the records
 *
 * The checksum (CRC32C) covers everything from the attributes on. With compression, only the records are compressed.
 */
export const headerBytes = 61;
const checksummedFrom = 21;
const lz4 = 3;

/** Who writes a batch: the broker recognises a repeated batch by these and its sequence number. */
export interface ProducerIdentity {
  /** 8 bytes, big-endian, as on the wire. */
  readonly producerId: Uint8Array;
  readonly epoch: number;
}

/** A sealed batch: compressed, with its header. Only its producer identity and sequence number are still to be set. */
export class SealedBatch {
  readonly bytes: Buffer;
  readonly records: number;
  /** What its records count towards the watermarks: their encoded bytes before compression. */
  readonly rawBytes: number;
  settleables: readonly Settleable[];
  /** Its settleables are those of whoever has taken over the promises (`RecordHolder.handOver`). */
  handedOver = false;
  /** When its first record was appended, on the clock of `performance.now()`. */
  readonly openedAtMs: number;
  /** Attempts that have been made to send it. */
  attempts = 0;
  /** An attempt ended without an answer that excludes that Kafka stored the batch. */
  mayBeStored = false;

  constructor(
    bytes: Buffer,
    records: number,
    rawBytes: number,
    settleables: readonly Settleable[],
    openedAtMs: number,
  ) {
    this.bytes = bytes;
    this.records = records;
    this.rawBytes = rawBytes;
    this.settleables = settleables;
    this.openedAtMs = openedAtMs;
  }

  /** Sets who writes it and its place in the lane's sequence, and with these the checksum. */
  stamp(identity: ProducerIdentity, baseSequence: number): void {
    const { bytes } = this;
    bytes.set(identity.producerId, 43);
    bytes.writeInt16BE(identity.epoch, 51);
    bytes.writeInt32BE(baseSequence, 53);
    bytes.writeUInt32BE(crc32c(bytes.subarray(checksummedFrom)) >>> 0, 17);
  }
}

/** Everything about a batch's records that its header repeats. */
export interface BatchSummary {
  readonly records: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
}

/**
 * Compresses records into a batch. `source` holds them from `headerBytes` to `end`; its first bytes are free for the
 * header. Records that LZ4 cannot shrink are kept as they are, and marked so.
 *
 * @returns a buffer of its own; `source` may be used again.
 */
export function sealBytes(source: Buffer, end: number, summary: BatchSummary): Buffer {
  const compressed = compressionsAlgorithms.lz4.compressSync(source.subarray(headerBytes, end));
  const shrunk = compressed.length < end - headerBytes;
  const bytes = Buffer.allocUnsafeSlow(shrunk ? headerBytes + compressed.length : end);
  if (shrunk) bytes.set(compressed, headerBytes);
  else source.copy(bytes, 0, 0, end);
  writeHeader(bytes, shrunk ? lz4 : 0, summary);
  return bytes;
}

/** The records of a batch that `sealBytes` made, uncompressed. */
export function recordsOf(bytes: Buffer): Buffer {
  const body = bytes.subarray(headerBytes);
  return (bytes.readInt16BE(21) & 7) === lz4 ? compressionsAlgorithms.lz4.decompressSync(body) : body;
}

export function baseTimestampOf(bytes: Buffer): number {
  return Number(bytes.readBigInt64BE(27));
}

function writeHeader(bytes: Buffer, compression: number, summary: BatchSummary): void {
  bytes.fill(0, 0, 8);
  bytes.writeInt32BE(bytes.length - 12, 8);
  // Unknown to a producer; the broker sets it.
  bytes.writeInt32BE(-1, 12);
  bytes[16] = 2;
  bytes.writeUInt32BE(0, 17);
  // The other bits: timestamps are create times, not transactional, no control batch.
  bytes.writeInt16BE(compression, 21);
  bytes.writeInt32BE(summary.records - 1, 23);
  bytes.writeBigInt64BE(BigInt(summary.baseTimestampMs), 27);
  bytes.writeBigInt64BE(BigInt(summary.maxTimestampMs), 35);
  bytes.fill(0xff, 43, 57);
  bytes.writeInt32BE(summary.records, 57);
}
