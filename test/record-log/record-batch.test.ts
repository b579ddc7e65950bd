import { crc32c } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headersOf } from '../../gateway/record-batch/header-array.ts';
import { fingerprint } from '../../record-log/fingerprint.ts';
import { DamagedBatch, recordBatches, recordsOf } from '../../record-log/record-batch.ts';
import { batchBytes, type TestRecord } from './support.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const record: fc.Arbitrary<TestRecord> = fc.record({
  key: fc.option(text),
  value: fc.option(fc.oneof(text, fc.string({ minLength: 500, maxLength: 2000 }))),
  timestampMs: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant(-1)),
  headers: fc.array(fc.tuple(text, text), { maxLength: 4 }),
});

const readAll = (bytes: Buffer) => [...recordBatches(bytes)].flatMap((batch) => [...recordsOf(3, batch)]);

describe('what is fetched', () => {
  it('is read as it was written: null told from empty, headers in their order, timestamps in any', () => {
    const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(batches, (written) => {
        const bytes = Buffer.concat(written.map((records, index) => batchBytes(records, index * 100)));
        const read = readAll(bytes);
        expect(
          read.map(({ key, value, timestampMs, headers }) => ({
            key: key?.toString() ?? null,
            value: value?.toString() ?? null,
            timestampMs,
            headers: headersOf(headers).map(([name, content]) => [name, content?.toString()]),
          })),
        ).toEqual(written.flat());
        expect(read.map(({ offset }) => offset)).toEqual(
          written.flatMap((records, index) => records.map((_, position) => index * 100 + position)),
        );
      }),
    );
  });

  it('may be cut off in its last batch', () => {
    const sample = { key: 'k', value: 'v', timestampMs: 1, headers: [] };
    const bytes = Buffer.concat([batchBytes([sample], 0), batchBytes([sample, sample], 1)]);
    for (const left of [1, 30, 62]) {
      expect(readAll(bytes.subarray(0, bytes.length - left)).map(({ offset }) => offset)).toEqual([0]);
    }
  });

  it('is refused when any byte behind the checksum is another one', () => {
    const bytes = batchBytes([{ key: 'k', value: 'v'.repeat(50), timestampMs: 1, headers: [['h', 'x']] }], 0);
    fc.assert(
      fc.property(fc.integer({ min: 17, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ change;
        expect(() => readAll(damaged)).toThrow(DamagedBatch);
      }),
    );
  });

  it('has the broker’s time where the topic stamps records at their append', () => {
    const bytes = batchBytes([{ key: 'k', value: 'v', timestampMs: 1, headers: [] }], 0);
    bytes.writeInt16BE(bytes.readInt16BE(21) | 0x08, 21);
    bytes.writeBigInt64BE(777n, 35);
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17);
    expect(readAll(bytes)[0]?.timestampMs).toBe(777);
  });
});

describe('a fingerprint', () => {
  const content = { timestampMs: 1, key: Buffer.from('k'), value: Buffer.from('v'), headers: Buffer.from([0]) };

  it('tells records apart that differ in anything, null and empty included', () => {
    const variants = [
      content,
      { ...content, timestampMs: 2 },
      { ...content, key: null },
      { ...content, key: Buffer.alloc(0) },
      { ...content, value: null },
      { ...content, value: Buffer.alloc(0) },
      { ...content, key: Buffer.from('kv'), value: Buffer.alloc(0) },
      { ...content, headers: Buffer.from([2, 2, 0x68, 0]) },
      { ...content, headers: Buffer.from([2, 2, 0x68, 1]) },
    ];
    expect(new Set(variants.map(fingerprint)).size).toBe(variants.length);
  });

  it('is the same however the lengths of headers were encoded', () => {
    const padded = Buffer.from([0x82, 0x00, 0x82, 0x00, 0x68, 0x82, 0x00, 0x78]);
    const shortest = Buffer.from([2, 2, 0x68, 2, 0x78]);
    expect(fingerprint({ ...content, headers: padded })).toBe(fingerprint({ ...content, headers: shortest }));
  });
});
