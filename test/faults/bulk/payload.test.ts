import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BulkPayloads } from '../../../faults/bulk/payload.ts';

describe('a bulk payload', () => {
  const payloads = new BulkPayloads(7);

  test('tells which message it is', () => {
    const payload = payloads.make(3, 42, 10_000);
    expect(payload).toHaveLength(10_000);
    expect(payloads.read(payload)).toEqual({ runId: 7, vehicle: 3, sequence: 42 });
  });

  test('is not recognised when any byte of it has changed', () => {
    for (const at of [0, 4, 19, 20, 5_000, 9_999]) {
      const payload = payloads.make(3, 42, 10_000);
      payload[at] = (payload[at] as number) ^ 1;
      expect(payloads.read(payload)).toBeUndefined();
    }
  });

  test('is not recognised when it is cut, or of another run', () => {
    expect(payloads.read(payloads.make(3, 42, 10_000).subarray(0, 5_000))).toBeUndefined();
    expect(payloads.read(Buffer.alloc(3))).toBeUndefined();
    expect(payloads.read(new BulkPayloads(8).make(3, 42, 10_000))).toBeUndefined();
  });

  test('does not compress, also not together with others', () => {
    const together = Buffer.concat(Array.from({ length: 8 }, (_, index) => payloads.make(1, index, 60_000)));
    expect(deflateRawSync(together).length).toBeGreaterThan(together.length * 0.99);
  });

  test('has no size that it cannot have', () => {
    expect(() => payloads.make(1, 1, 8)).toThrow(RangeError);
    expect(() => payloads.make(1, 1, 9 * 1024 * 1024)).toThrow(RangeError);
  });
});
