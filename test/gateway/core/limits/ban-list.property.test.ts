import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BanList } from '../../../../gateway/core/limits/ban-list.ts';
import { FailureCounts } from '../../../../gateway/core/limits/failure-counts.ts';

const durationMs = 1000;
const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const steps = fc.array(fc.tuple(keys, fc.integer({ min: 0, max: 600 }), fc.boolean()), { maxLength: 60 });

it('a ban lasts as long as it should, unless more than there is room for came after it', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), (all, maxEntries) => {
      const bans = new BanList(durationMs, maxEntries);
      const last = new Map<string, number>();
      let nowMs = 0;
      for (const [key, pause, isSwept] of all) {
        nowMs += pause;
        if (bans.add(key, nowMs)) {
          last.delete(key);
          last.set(key, nowMs);
        }
        if (isSwept) bans.sweep(nowMs);
        expect(bans.size).toBeLessThanOrEqual(maxEntries);
        const kept = [...last].slice(-maxEntries);
        for (const [banned, atMs] of kept) expect(bans.has(banned, nowMs)).toBe(nowMs < atMs + durationMs);
      }
      bans.sweep(nowMs + durationMs);
      expect(bans.size).toBe(0);
    }),
  );
});

it('makes no ban longer while it lasts, and says whether it is a new one', () => {
  const bans = new BanList(durationMs, 10);
  const isNew = [0, 500, 999, 1000, 1999, 2000].map((nowMs) => bans.add('a', nowMs));
  expect(isNew).toEqual([true, false, false, true, false, true]);
});

it('failures count together within a window, and in bounded memory', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const counts = new FailureCounts(durationMs, 3);
      const model = new Map<string, { failures: number; endsAtMs: number }>();
      let nowMs = 0;
      for (const [key, pause, isSwept] of all) {
        nowMs += pause;
        if (isSwept) counts.sweep(nowMs);
        const failures = counts.add(key, nowMs);
        expect(counts.size).toBeLessThanOrEqual(3);
        const window = model.get(key);
        const expected = window !== undefined && nowMs < window.endsAtMs ? window.failures + 1 : 1;
        // A window that was pushed out begins anew; it never counts more than there were.
        expect(failures).toBeLessThanOrEqual(expected);
        model.set(
          key,
          failures === 1
            ? { failures, endsAtMs: nowMs + durationMs }
            : { failures, endsAtMs: window?.endsAtMs ?? nowMs + durationMs },
        );
      }
    }),
  );
});

it('forgets the failures of who has succeeded', () => {
  const counts = new FailureCounts(durationMs, 3);
  counts.add('a', 0);
  counts.add('a', 0);
  counts.forget('a');
  expect(counts.add('a', 0)).toBe(1);
});
