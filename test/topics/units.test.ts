import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize, showDuration, showSize } from '../../topics/units.ts';

describe('times and sizes', () => {
  it('are read back as they were shown', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (amount) => {
        expect(parseDuration(showDuration(amount))).toBe(amount);
        expect(parseSize(showSize(amount))).toBe(amount);
      }),
    );
  });

  it('are shown in the largest unit that is exact', () => {
    expect(showDuration(604_800_000n)).toBe('7 d');
    expect(showDuration(90_000n)).toBe('90 s');
    expect(showDuration(0n)).toBe('0 ms');
    expect(showSize(1_048_588n)).toBe('1048588 B');
    expect(showSize(2_097_152n)).toBe('2 MiB');
  });

  it('know no limit for unlimited', () => {
    expect(parseDuration('unlimited')).toBeUndefined();
  });
});
