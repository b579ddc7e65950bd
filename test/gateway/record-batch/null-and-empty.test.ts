import { Reader, readRecordsBatch } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { nullValue, type RecordEncoder } from '../../../gateway/core/record-sink.ts';
import { partitionForKey } from '../../../gateway/kafka/partitioner.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { emptyKey } from '../../../gateway/record-batch/key-bytes.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { RecordCursor, recordCopier } from '../../../gateway/record-batch/record-cursor.ts';

const none = { settleRecord: () => undefined };
const newBatch = () => new OpenBatch(new BufferPool(64 * 1024, 0));
const noHeaders = (target: Uint8Array, offset: number): number => {
  target[offset] = 0;
  return offset + 1;
};
const tombstone: RecordEncoder<undefined> = {
  writeValue: () => nullValue,
  writeHeaders: (_, target, offset) => noHeaders(target, offset),
};
const empty: RecordEncoder<undefined> = { ...tombstone, writeValue: (_event, _target, offset) => offset };

/** What an independent reader, the library's, makes of a batch. */
const read = (bytes: Buffer) =>
  readRecordsBatch(Reader.from(bytes)).records.map(({ key, value }) => [
    key?.toString() ?? null,
    value?.toString() ?? null,
  ]);

function sample() {
  const batch = newBatch();
  const key = Buffer.from('k');
  batch.append(key, 1, 1, tombstone, undefined, none);
  batch.append(key, 1, 2, empty, undefined, none);
  batch.append(key, 0, 3, empty, undefined, none);
  batch.append(key, emptyKey, 4, tombstone, undefined, none);
  return batch.seal();
}

const expected = [
  ['k', null],
  ['k', ''],
  [null, ''],
  ['', null],
];

describe('a record', () => {
  it('without a value, or without a key, is told from one whose value or key is empty', () => {
    expect(read(sample().bytes)).toEqual(expected);
  });

  it('is told so by the cursor, too, and copied as it is', () => {
    const again = newBatch();
    for (const cursor = new RecordCursor(sample().bytes); cursor.next(); ) {
      const { source, keyAt, keyLength, timestampMs } = cursor;
      const key = source.subarray(keyAt, keyAt + Math.max(0, keyLength));
      again.append(key, keyLength, timestampMs, recordCopier, cursor, none);
    }
    expect(read(again.seal().bytes)).toEqual(expected);
  });

  it('with an empty key goes where the Java client sends it', () => {
    // Utils.murmur2(new byte[0]) is 275646681.
    expect(partitionForKey(Buffer.alloc(0), emptyKey, 1000)).toBe(681);
  });
});
