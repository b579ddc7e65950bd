import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from '../../../device-simulator/mqtt/backoff.ts';

const options = { firstMs: 250, maxMs: 10_000 };

it('waits longer from attempt to attempt, up to a limit, a random half of it', () => {
  expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, options, 1))).toEqual([250, 500, 1_000, 2_000]);
  fc.assert(
    fc.property(fc.nat({ max: 10_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const waitMs = backoffMs(attempt, options, random);
      expect(waitMs).toBeGreaterThanOrEqual(125);
      expect(waitMs).toBeLessThanOrEqual(10_000);
    }),
  );
});
