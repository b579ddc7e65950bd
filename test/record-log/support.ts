import { writeHeader, writeLength } from '../../gateway/core/headers/header-writer.ts';
import { nullValue, type RecordEncoder } from '../../gateway/core/record-sink.ts';
import { BufferPool } from '../../gateway/record-batch/buffer-pool.ts';
import { emptyKey } from '../../gateway/record-batch/key-bytes.ts';
import { OpenBatch } from '../../gateway/record-batch/open-batch.ts';

export interface TestRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

const encoder: RecordEncoder<TestRecord> = {
  writeValue({ value }, target, offset) {
    if (value === null) return nullValue;
    const bytes = Buffer.from(value);
    if (offset + bytes.length > target.length) return -1;
    target.set(bytes, offset);
    return offset + bytes.length;
  },
  writeHeaders({ headers }, target, offset) {
    let at = writeLength(headers.length, target, offset);
    for (const [key, value] of headers) at = writeHeader(key, value, target, at);
    return at > target.length ? -1 : at;
  },
};

/** A batch as it lies in a log from an offset on. */
export function batchBytes(records: readonly TestRecord[], firstOffset: number): Buffer {
  const batch = new OpenBatch(new BufferPool(1024 * 1024, 0));
  for (const record of records) {
    const key = Buffer.from(record.key ?? '');
    const keyLength = record.key === null ? 0 : key.length || emptyKey;
    batch.append(key, keyLength, record.timestampMs, encoder, record, { settleRecord: () => undefined });
  }
  const sealed = batch.seal();
  sealed.stamp({ producerId: Buffer.alloc(8), epoch: 0 }, 0);
  // Not covered by the checksum, as the broker sets it.
  sealed.bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  return sealed.bytes;
}
