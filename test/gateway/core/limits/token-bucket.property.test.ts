import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBucket } from '../../../../gateway/core/limits/token-bucket.ts';

const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 1000 }), burst: fc.integer({ min: 1, max: 1000 }) });
/** Pauses in milliseconds, the clock standing still now and then. */
const pauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5000, noNaN: true })), { maxLength: 200 });

it('a bucket gives no more than its burst and what the time allows, whenever it is asked', () => {
  fc.assert(
    fc.property(rates, pauses, (rate, times) => {
      const bucket = new TokenBucket(rate, 0);
      let nowMs = 0;
      let given = 0;
      for (const pause of times) {
        nowMs += pause;
        if (bucket.take(rate, 1, nowMs)) given += 1;
        expect(given).toBeLessThanOrEqual(rate.burst + (nowMs / 1000) * rate.perSecond + 1e-6);
      }
    }),
  );
});

it('it gives as soon as it said that it would, and not before', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 50 }), (rate, asked) => {
      const bucket = new TokenBucket(rate, 0);
      for (let i = 0; i < rate.burst + asked; i += 1) bucket.take(rate, 1, 0);
      const waitMs = bucket.waitMs(rate, 1, 0);
      expect(bucket.take(rate, 1, waitMs * 0.99)).toBe(false);
      expect(bucket.take(rate, 1, waitMs + 0.001)).toBe(true);
    }),
  );
});

it('a reserve is left for those who may use it', () => {
  const rate = { perSecond: 1, burst: 10 };
  const bucket = new TokenBucket(rate, 0);
  let strangers = 0;
  while (bucket.take(rate, 1, 0, 4)) strangers += 1;
  let familiar = 0;
  while (bucket.take(rate, 1, 0)) familiar += 1;
  expect([strangers, familiar]).toEqual([6, 4]);
});

it('what is given back can be taken again, but never more than the burst', () => {
  const rate = { perSecond: 1, burst: 1 };
  const bucket = new TokenBucket(rate, 0);
  bucket.giveBack(rate, 5);
  expect(bucket.take(rate, 1, 0)).toBe(true);
  expect(bucket.take(rate, 1, 0)).toBe(false);
  bucket.giveBack(rate, 1);
  expect(bucket.take(rate, 1, 0)).toBe(true);
});

it('a clock that stands or steps back takes and gives nothing', () => {
  const rate = { perSecond: 1000, burst: 1 };
  const bucket = new TokenBucket(rate, 1000);
  expect(bucket.take(rate, 1, 1000)).toBe(true);
  expect(bucket.take(rate, 1, 0)).toBe(false);
  expect(bucket.take(rate, 1, 1001)).toBe(true);
});
