import { murmur2 as libraryMurmur2 } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur2, partitionForKey } from '../../../gateway/kafka/partitioner.ts';
import { KeyBytes } from '../../../gateway/record-batch/key-bytes.ts';

describe('murmur2', () => {
  // The vectors of Kafka's own UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key), key.length)).toBe(hash);
  });

  test('agrees with the library for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const key = Buffer.from(bytes);
        expect(murmur2(key, key.length)).toBe(libraryMurmur2(key));
      }),
    );
  });

  test('looks at the first bytes only, as many as it is told', () => {
    expect(murmur2(Buffer.from('foobar-and-more'), 6)).toBe(-790332482);
  });
});

describe('the partition of a key', () => {
  test('is never negative', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
        const partition = partitionForKey(key, key.length, partitions);
        expect(partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });
});

describe('key bytes', () => {
  test('are UTF-8, whatever the key', () => {
    const key = new KeyBytes();
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.string({ unit: 'grapheme' })), (text) => {
        const length = key.encode(text);
        expect(key.bytes.subarray(0, length)).toEqual(Buffer.from(text));
      }),
    );
  });
});
