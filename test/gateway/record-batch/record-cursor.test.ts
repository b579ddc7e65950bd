import { Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordEncoder } from '../../../gateway/core/record-sink.ts';
import { splitBatch } from '../../../gateway/kafka/split-batch.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { RecordCursor, recordCopier } from '../../../gateway/record-batch/record-cursor.ts';

interface Sample {
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
  /** Value of the one header `h`. */
  readonly header: string;
}

const text = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
const sample: fc.Arbitrary<Sample> = fc.record({
  key: text,
  value: fc.oneof(text, fc.string({ unit: 'grapheme-ascii', minLength: 300, maxLength: 2000 })),
  timestampMs: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constantFrom(0, 1, 8.64e15, -62e12)),
  header: text,
});

const encoder: RecordEncoder<Sample> = {
  writeValue: ({ value }, target, offset) => write(Buffer.from(value), target, offset),
  writeHeaders: ({ header }, target, offset) =>
    write(
      Buffer.concat([Buffer.from([2, 2]), Buffer.from('h'), Buffer.from([header.length * 2]), Buffer.from(header)]),
      target,
      offset,
    ),
};

function write(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  if (offset + bytes.length > target.length) return -1;
  target.set(bytes, offset);
  return offset + bytes.length;
}

const none = { settleRecord: () => undefined };
const newBatch = () => new OpenBatch(new BufferPool(256 * 1024, 0));

function sealed(samples: readonly Sample[]) {
  const batch = newBatch();
  for (const item of samples) {
    const key = Buffer.from(item.key);
    batch.append(key, key.length, item.timestampMs, encoder, item, none);
  }
  return batch.seal();
}

/** What an independent reader, the library's, makes of a batch. */
const read = (bytes: Buffer) =>
  readRecordsBatch(Reader.from(bytes)).records.map((record) => ({
    key: record.key?.toString() ?? '',
    value: record.value?.toString(),
    headers: record.headers.map(([name, value]) => [String(name), String(value)]),
  }));

const short = (item: Sample): Sample => ({ ...item, header: item.header.slice(0, 30) });

describe('a cursor over the records of a batch', () => {
  test('copies each as it is into another batch', () => {
    fc.assert(
      fc.property(fc.array(sample.map(short), { minLength: 1, maxLength: 20 }), (samples) => {
        const original = sealed(samples);
        const copies = newBatch();
        const cursor = new RecordCursor(original.bytes);
        const times: number[] = [];
        while (cursor.next()) {
          const key = cursor.source.subarray(cursor.keyAt);
          times.push(cursor.timestampMs);
          expect(copies.append(key, cursor.keyLength, cursor.timestampMs, recordCopier, cursor, none)).toBeGreaterThan(
            0,
          );
        }
        expect(times).toEqual(samples.map(({ timestampMs }) => timestampMs));
        const copy = copies.seal();
        expect(read(copy.bytes)).toEqual(read(original.bytes));
        expect(copy.rawBytes).toBe(original.rawBytes);
      }),
    );
  });

  test('reads parts of a split batch, whose lengths have lost their padding', () => {
    const samples = Array.from({ length: 5 }, (_, i) => ({
      key: `k${i}`,
      value: `v${i}`,
      timestampMs: i,
      header: 'x',
    }));
    const { parts } = splitBatch(sealed(samples), [2]);
    const cursor = new RecordCursor(parts[0]?.bytes as Buffer);
    const values: string[] = [];
    while (cursor.next()) values.push(cursor.source.toString('utf8', cursor.valueAt, cursor.valueEnd));
    expect(values).toEqual(['v0', 'v1', 'v3', 'v4']);
  });

  test('throws for bytes that end inside of a record', () => {
    const { bytes } = sealed([{ key: 'k', value: 'v', timestampMs: 0, header: 'x' }]);
    expect(bytes.readInt16BE(21)).toBe(0);
    const cursor = new RecordCursor(bytes.subarray(0, bytes.length - 2));
    expect(() => cursor.next()).toThrow(RangeError);
  });
});
