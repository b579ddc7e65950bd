import { describe, expect, it } from 'vitest';
import { Contents } from '../../../faults/judge/contents.ts';

describe('what the messages of a device say', () => {
  it('is kept for every sequence, however many there are', () => {
    const contents = new Contents();
    for (let sequence = 1; sequence <= 10_000; sequence += 1) contents.set(sequence, 0xffff_ffff - sequence);
    for (let sequence = 1; sequence <= 10_000; sequence += 1) {
      expect(contents.get(sequence)).toBe(0xffff_ffff - sequence);
    }
  });

  it('is not known of a message that nobody told about', () => {
    const contents = new Contents();
    contents.set(2, 7);
    expect(contents.get(1)).toBeUndefined();
    expect(contents.get(1_000_000)).toBeUndefined();
  });
});
