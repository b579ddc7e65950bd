import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../device-simulator/core/murmur2.ts';

describe('murmur2', () => {
  // The vectors of Kafka's own UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is that of the Java client', (text, hash) => {
    expect(murmur2(new TextEncoder().encode(text))).toBe(hash);
  });

  it('gives every key a partition of the topic', () => {
    for (let i = 0; i < 1_000; i += 1) {
      const partition = partitionOf(`veh-${i}`, 12);
      expect(Number.isInteger(partition) && partition >= 0 && partition < 12).toBe(true);
    }
  });
});
