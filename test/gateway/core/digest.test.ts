import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest, murmur3x86x128 } from '../../../gateway/core/digest.ts';

const hex = (text: string, seed = 0) =>
  murmur3x86x128(Buffer.from(text), seed)
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');

describe('MurmurHash3 x86_128', () => {
  it.each([
    ['', '00000000000000000000000000000000'],
    ["I will not buy this tobacconist's, it is scratched.", '9b5b7ba2ef3f7866889adeaf00f3f98e'],
    ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c675d7bf66ce5e91d2c'],
  ])('of %j', (text, expected) => {
    expect(hex(text)).toBe(expected);
  });
});

describe('the digest of a publish', () => {
  it('differs whenever topic or payload differ, also where one ends and the other begins', () => {
    const publishes = fc.tuple(fc.string({ unit: 'binary' }), fc.uint8Array());
    fc.assert(
      fc.property(publishes, publishes, (one, other) => {
        const same = one[0] === other[0] && Buffer.compare(one[1], other[1]) === 0;
        expect(digest(...one) === digest(...other)).toBe(same);
      }),
    );
    expect(digest('ab', Buffer.from('c\0'))).not.toBe(digest('abc', Buffer.alloc(0)));
  });
});
