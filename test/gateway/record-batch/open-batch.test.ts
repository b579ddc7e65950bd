import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordEncoder } from '../../../gateway/core/record-sink.ts';
import { splitBatch } from '../../../gateway/kafka/split-batch.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';

interface Sample {
  readonly key: string;
  readonly value: Uint8Array;
  readonly timestampMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const sample: fc.Arbitrary<Sample> = fc.record({
  key: text,
  value: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 5000, maxLength: 20_000 })),
  timestampMs: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constantFrom(0, 1, 1_700_000_000_000, 8.64e15, -62e12)),
  headers: fc.array(fc.tuple(text, text), { maxLength: 4 }),
});

const encoder: RecordEncoder<Sample> = {
  writeValue({ value }, target, offset) {
    if (offset + value.length > target.length) return -1;
    target.set(value, offset);
    return offset + value.length;
  },
  writeHeaders({ headers }, target, offset) {
    const varint = (value: number) => {
      const bytes: number[] = [];
      let rest = value * 2;
      for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
      return Buffer.from([...bytes, rest]);
    };
    const parts = headers.flat().flatMap((part) => [varint(Buffer.byteLength(part)), Buffer.from(part)]);
    const bytes = Buffer.concat([varint(headers.length), ...parts]);
    if (offset + bytes.length > target.length) return -1;
    target.set(bytes, offset);
    return offset + bytes.length;
  },
};

const none = { settleRecord: () => undefined };
const largest = 256 * 1024;

function batchOf(samples: readonly Sample[], pool = new BufferPool(largest, largest)) {
  const batch = new OpenBatch(pool);
  for (const item of samples) {
    const key = Buffer.from(item.key);
    expect(batch.append(key, key.length, item.timestampMs, encoder, item, none)).toBeGreaterThan(0);
  }
  return batch;
}

/** What an independent reader, the library's, makes of the bytes. */
function read(bytes: Buffer): Sample[] {
  const batch = readRecordsBatch(Reader.from(bytes));
  expect(bytes.readInt32BE(8)).toBe(bytes.length - 12);
  expect([batch.magic, batch.lastOffsetDelta]).toEqual([2, batch.records.length - 1]);
  expect(bytes.readUInt32BE(17)).toBe(crc32c(bytes.subarray(21)) >>> 0);
  expect(batch.records.map(({ offsetDelta }) => offsetDelta)).toEqual(batch.records.map((_, index) => index));
  const samples = batch.records.map(({ key, value, timestampDelta, headers }) => ({
    key: key?.toString() ?? '',
    value: new Uint8Array(value ?? []),
    timestampMs: Number(batch.firstTimestamp + timestampDelta),
    headers: headers.map(([name, content]) => [String(name), String(content)] as const),
  }));
  expect(Number(batch.maxTimestamp)).toBe(Math.max(...samples.map(({ timestampMs }) => timestampMs)));
  return samples;
}

const identity = { producerId: Buffer.alloc(8), epoch: 0 };
const plain = ({ value, ...rest }: Sample) => ({ ...rest, value: Buffer.from(value).toString('hex') });

describe('a batch', () => {
  test('is read back by an independent reader', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 10 }), (samples) => {
        const sealed = batchOf(samples).seal();
        sealed.stamp(identity, 0);
        expect(read(sealed.bytes).map(plain)).toEqual(samples.map(plain));
      }),
    );
  });

  test('in parts is the same records in the same order', () => {
    const parts = fc.tuple(fc.array(sample, { minLength: 2, maxLength: 10 }), fc.array(fc.nat(12), { maxLength: 3 }));
    fc.assert(
      fc.property(parts, ([samples, named]) => {
        const sealed = batchOf(samples).seal();
        const split = splitBatch(sealed, named);
        const again = split.parts.flatMap((part) => (part.records > 1 ? splitBatch(part, []).parts : [part]));
        for (const part of again) part.stamp(identity, 0);
        const kept = samples.filter((_, index) => !named.includes(index));
        expect(again.flatMap((part) => read(part.bytes)).map(plain)).toEqual(kept.map(plain));
        expect(again.reduce((sum, { rawBytes }) => sum + rawBytes, split.refusedRawBytes)).toBe(sealed.rawBytes);
        expect(again.reduce((sum, { settleables }) => sum + settleables.length, split.refused.length)).toBe(
          samples.length,
        );
      }),
    );
  });

  test('that LZ4 cannot shrink is kept uncompressed, and marked so', () => {
    const value = new Uint8Array(2000).map((_, i) => (i * 7919 * (i + 13)) >> 3);
    const random = crypto.getRandomValues(value);
    const sealed = batchOf([{ key: 'k', value: random, timestampMs: 1, headers: [] }]).seal();
    sealed.stamp(identity, 0);
    expect(sealed.bytes.readInt16BE(21)).toBe(0);
    expect(read(sealed.bytes)[0]?.value).toEqual(random);
    const compressible = batchOf([{ key: 'k', value: new Uint8Array(2000), timestampMs: 1, headers: [] }]).seal();
    expect(compressible.bytes.readInt16BE(21)).toBe(3);
    expect(compressible.bytes.length).toBeLessThan(300);
  });

  test('carries producer id, epoch and sequence number once it is stamped', () => {
    const sealed = batchOf([{ key: 'k', value: new Uint8Array(10), timestampMs: 1, headers: [] }]).seal();
    const producerId = Buffer.alloc(8);
    producerId.writeBigInt64BE(77n);
    sealed.stamp({ producerId, epoch: 3 }, 41);
    const batch = readRecordsBatch(Reader.from(sealed.bytes));
    expect(batch).toMatchObject({ producerId: 77n, producerEpoch: 3, firstSequence: 41 });
    read(sealed.bytes);
  });

  test('grows to the largest size and no further, and an unfitting record changes nothing', () => {
    const pool = new BufferPool(32 * 1024, largest);
    const item = { key: 'k', value: new Uint8Array(10_000), timestampMs: 1, headers: [] };
    const batch = batchOf([item, item, item], pool);
    const before = batch.rawBytes;
    expect(batch.append(Buffer.from('k'), 1, 1, encoder, item, none)).toBe(-1);
    expect([batch.rawBytes, batch.records]).toEqual([before, 3]);
    const sealed = batch.seal();
    sealed.stamp(identity, 0);
    expect(read(sealed.bytes).length).toBe(3);
  });

  test('holds a buffer only while it has records', () => {
    const pool = new BufferPool(64 * 1024, 0);
    const batch = batchOf([{ key: 'k', value: new Uint8Array(20_000), timestampMs: 1, headers: [] }], pool);
    expect(pool.heldBytes).toBe(32 * 1024);
    batch.seal();
    expect(pool.heldBytes).toBe(0);
    const tooLarge = { key: 'k', value: new Uint8Array(100_000), timestampMs: 1, headers: [] };
    expect(batch.append(Buffer.from('k'), 1, 1, encoder, tooLarge, none)).toBe(-1);
    expect(pool.heldBytes).toBe(0);
  });

  test('takes lengths beyond 1 MiB', () => {
    const item = { key: 'k', value: crypto.getRandomValues(new Uint8Array(60_000)), timestampMs: 1, headers: [] };
    const huge = { ...item, value: new Uint8Array(3_000_000).fill(7) };
    const sealed = batchOf([huge, item], new BufferPool(4 * 1024 * 1024, 0)).seal();
    sealed.stamp(identity, 0);
    expect(read(sealed.bytes).map(({ value }) => value.length)).toEqual([3_000_000, 60_000]);
  });
});

describe('the buffer pool', () => {
  test('uses buffers again, up to a limit', () => {
    const pool = new BufferPool(64 * 1024, 16 * 1024);
    const [first, second, third] = [pool.take(0), pool.take(0), pool.take(0)];
    for (const buffer of [first, second, third]) pool.give(buffer, 0);
    expect(pool.heldBytes).toBe(16 * 1024);
    expect([first, second]).toContain(pool.take(0));
  });
});
