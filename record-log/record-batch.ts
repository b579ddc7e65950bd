import { compressionsAlgorithmsByBitmask, crc32c } from '@platformatic/kafka';
import { readBytes } from '../gateway/record-batch/header-array.ts';
import { VarintReader } from '../gateway/record-batch/varint.ts';

/** Offsets of the fields of a record batch, format v2 (Kafka protocol guide, «Record Batch»). */
const at = {
  firstOffset: 0,
  length: 8,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** First offset and length, which `length` does not count. */
const prefixBytes = 12;
const compressionMask = 0x07;
const appendTimeFlag = 0x08;
const transactionalFlag = 0x10;
const controlFlag = 0x20;
const abortMarker = 0;

/** The header of a record batch, and its records as they came. */
export interface RecordBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The latest timestamp of its records; in a topic with append times that of all of them. */
  readonly maxTimestampMs: number;
  readonly baseTimestampMs: number;
  /** The broker stamped the records when it appended them. */
  readonly hasAppendTime: boolean;
  readonly isTransactional: boolean;
  /** Written by Kafka itself to end a transaction; holds no records of anybody. */
  readonly isControl: boolean;
  readonly producerId: bigint;
  readonly count: number;
  /** 0: not compressed. */
  readonly compression: number;
  readonly body: Buffer;
}

/** A record where it lies. Its bytes are those of the fetched batch: copy what is to be kept. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  /** −1: none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The header array as in the record, its count included. */
  readonly headers: Buffer;
}

/** What is wrong with the bytes of a batch. */
export class DamagedBatch extends Error {
  override readonly name = 'DamagedBatch';
}

/**
 * The record batches in the answer to a Fetch; the last one may be cut off and is then left out.
 *
 * @throws {DamagedBatch} when a checksum is wrong, or the format is not v2.
 */
export function* recordBatches(bytes: Buffer): Generator<RecordBatch> {
  for (let start = 0; start + at.records <= bytes.length; ) {
    const end = start + prefixBytes + bytes.readInt32BE(start + at.length);
    if (end > bytes.length) return;
    if (end < start + at.records) throw new DamagedBatch('a batch is shorter than its header');
    yield readBatch(bytes.subarray(start, end));
    start = end;
  }
}

function readBatch(batch: Buffer): RecordBatch {
  const magic = batch.readInt8(at.magic);
  if (magic !== 2) throw new DamagedBatch(`a batch has format v${magic}; only v2 can be read`);
  if (batch.readUInt32BE(at.checksum) !== crc32c(batch.subarray(at.attributes)) >>> 0) {
    throw new DamagedBatch('the checksum of a batch is wrong');
  }
  const firstOffset = Number(batch.readBigInt64BE(at.firstOffset));
  const attributes = batch.readInt16BE(at.attributes);
  return {
    firstOffset,
    lastOffset: firstOffset + batch.readInt32BE(at.lastOffsetDelta),
    maxTimestampMs: Number(batch.readBigInt64BE(at.maxTimestamp)),
    baseTimestampMs: Number(batch.readBigInt64BE(at.baseTimestamp)),
    hasAppendTime: (attributes & appendTimeFlag) !== 0,
    isTransactional: (attributes & transactionalFlag) !== 0,
    isControl: (attributes & controlFlag) !== 0,
    producerId: batch.readBigInt64BE(at.producerId),
    count: batch.readInt32BE(at.count),
    compression: attributes & compressionMask,
    body: batch.subarray(at.records),
  };
}

/** Its records. @throws {DamagedBatch} when they cannot be unpacked, or do not end where they say. */
export function* recordsOf(partition: number, batch: RecordBatch): Generator<LogRecord> {
  const bytes = unpacked(batch);
  const reader = new VarintReader(bytes);
  for (let i = 0; i < batch.count; i++) {
    let record: LogRecord;
    try {
      record = readRecord(partition, batch, bytes, reader);
    } catch (error) {
      throw new DamagedBatch('a record ends too early', { cause: error });
    }
    yield record;
  }
}

/** Its records as bytes, uncompressed. @throws {DamagedBatch} */
export function unpacked({ compression, body }: RecordBatch): Buffer {
  if (compression === 0) return body;
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm === undefined) throw new DamagedBatch(`a batch is compressed with the unknown codec ${compression}`);
  try {
    return algorithm.decompressSync(body);
  } catch (error) {
    throw new DamagedBatch('a batch cannot be decompressed', { cause: error });
  }
}

function readRecord(partition: number, batch: RecordBatch, bytes: Buffer, reader: VarintReader): LogRecord {
  const length = reader.read();
  const end = reader.offset + length;
  if (length < 0 || end > bytes.length) throw new RangeError(`a record of ${length} bytes`);
  // Attributes: no bit of them is in use.
  reader.offset += 1;
  const timestampDelta = reader.read();
  const offset = batch.firstOffset + reader.read();
  const timestampMs = batch.hasAppendTime ? batch.maxTimestampMs : batch.baseTimestampMs + timestampDelta;
  const key = readBytes(bytes, reader, end);
  const value = readBytes(bytes, reader, end);
  const headers = bytes.subarray(reader.offset, end);
  reader.offset = end;
  return { partition, offset, timestampMs, key, value, headers };
}

/** Whether a control batch says that the transaction of its producer was aborted. */
export function isAbort(batch: RecordBatch): boolean {
  // The key of a control record: version int16, type int16.
  for (const { key } of recordsOf(0, batch))
    return key !== null && key.length >= 4 && key.readInt16BE(2) === abortMarker;
  return false;
}
