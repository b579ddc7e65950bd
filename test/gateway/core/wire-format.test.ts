import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framingBytes, readSchemaId, writeFraming } from '../../../gateway/core/wire-format.ts';

describe('the Confluent wire format', () => {
  it('is a zero byte and the id, big-endian', () => {
    const target = Buffer.alloc(8, 0xee);
    expect(writeFraming(0x01020304, target, 2)).toBe(2 + framingBytes);
    expect([...target]).toEqual([0xee, 0xee, 0, 1, 2, 3, 4, 0xee]);
  });

  it('holds any id of 32 bits', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (id) => {
        const target = new Uint8Array(framingBytes);
        writeFraming(id, target, 0);
        expect(readSchemaId(target)).toBe(id);
      }),
    );
  });

  it('is not found in values that are too short or begin otherwise', () => {
    expect(readSchemaId(Buffer.from([0, 0, 0, 1]))).toBeUndefined();
    expect(readSchemaId(Buffer.from([1, 0, 0, 0, 1]))).toBeUndefined();
  });
});
