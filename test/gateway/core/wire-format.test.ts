import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framingBytes, framingOf, readSchemaId, writeFraming } from '../../../gateway/core/wire-format.ts';

const confluent = (id: number) => ({ registry: 'confluent', id, uri: '' }) as const;

describe('the Confluent wire format', () => {
  it('is a zero byte and the id, big-endian', () => {
    const target = Buffer.alloc(8, 0xee);
    expect(writeFraming(framingOf(confluent(0x01020304)), target, 2)).toBe(2 + framingBytes);
    expect([...target]).toEqual([0xee, 0xee, 0, 1, 2, 3, 4, 0xee]);
  });

  it.each([
    ['the first message as a single zero', [0], [0]],
    ['the second', [1], [2, 2]],
    ['the first inside of the third', [2, 0], [4, 4, 0]],
    ['one far behind', [64, 300], [4, 0x80, 1, 0xd8, 4]],
  ])('names %s of a Protobuf file', (_, indexes, bytes) => {
    expect([...framingOf(confluent(1), indexes)]).toEqual([0, 0, 0, 0, 1, ...bytes]);
  });

  it('holds any id of 32 bits', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (id) => {
        expect(readSchemaId(framingOf(confluent(id)))).toBe(id);
      }),
    );
  });

  it('is not found in values that are too short or begin otherwise', () => {
    expect(readSchemaId(Buffer.from([0, 0, 0, 1]))).toBeUndefined();
    expect(readSchemaId(Buffer.from([1, 0, 0, 0, 1]))).toBeUndefined();
  });
});

it("is, for Glue, a version, no compression, and the bytes of the version's UUID", () => {
  const framing = framingOf({ registry: 'glue', id: '00112233-4455-6677-8899-aabbccddeeff', uri: '' });
  expect(Buffer.from(framing).toString('hex')).toBe('0300' + '00112233445566778899aabbccddeeff');
});
