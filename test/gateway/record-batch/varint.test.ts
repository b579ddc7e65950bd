import { Reader, Writer } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VarintReader, writePaddedVarint, writeVarint, writeVarlong } from '../../../gateway/record-batch/varint.ts';

const written = (write: (target: Uint8Array) => number): Buffer => {
  const target = Buffer.alloc(16, 0xaa);
  return target.subarray(0, write(target));
};

/** Zigzag and groups of 7 bits to the letter. (The library's own writer is wrong from 2^31 on.) */
function reference(value: bigint): Buffer {
  const groups: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...groups, Number(rest)]);
}

describe('varints', () => {
  test('are written as the library writes 32-bit integers', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(written((target) => writeVarint(value, target, 0))).toEqual(Writer.create().appendVarInt(value).buffer);
      }),
    );
  });

  test('of 64 bits are written as the definition has it, over all safe integers', () => {
    const edges = [2 ** 30, 2 ** 31, 2 ** 32, 2 ** 53].flatMap((power) => [
      power - 1,
      1 - power,
      -power / 2,
      power / 2,
    ]);
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...edges)), (value) => {
        expect(written((target) => writeVarlong(value, target, 0))).toEqual(reference(BigInt(value)));
      }),
    );
  });

  test('are read back', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const target = Buffer.alloc(8 * values.length + 1);
        let end = 0;
        for (const value of values) end = writeVarlong(value, target, end);
        const reader = new VarintReader(target);
        expect(values.map(() => reader.read())).toEqual(values);
        expect(reader.offset).toBe(end);
      }),
    );
  });

  test('padded to a fixed width are read as the same value', () => {
    fc.assert(
      fc.property(fc.constantFrom(3, 4), fc.nat(2 ** 20 - 1), (width, value) => {
        const target = Buffer.alloc(width + 1, 0xff);
        writePaddedVarint(value, width, target, 0);
        expect(target[width]).toBe(0xff);
        expect(Reader.from(target.subarray(0, width)).readVarInt()).toBe(value);
        const reader = new VarintReader(target);
        expect([reader.read(), reader.offset]).toEqual([value, width]);
      }),
    );
  });

  test('that end too early are refused', () => {
    expect(() => new VarintReader(Buffer.from([0x80])).read()).toThrow(RangeError);
  });
});
