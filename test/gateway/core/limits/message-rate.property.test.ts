import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLimited, MessageRate } from '../../../../gateway/core/limits/message-rate.ts';

const limits = { messagesPerSecond: 10, bytesPerSecond: 0, burstSeconds: 2, hardMultiple: 5 };

/** Takes until it is spent; returns how many that were. */
function drain(rate: MessageRate, bytes = 1): number {
  let taken = 0;
  while (!rate.isSpent) {
    rate.take(bytes);
    taken += 1;
  }
  return taken;
}

describe('a rate of messages', () => {
  it('lets no more come than its burst and what the time allows, by messages and by bytes', () => {
    const settings = fc.record({
      messagesPerSecond: fc.integer({ min: 0, max: 50 }),
      bytesPerSecond: fc.integer({ min: 0, max: 5000 }),
      burstSeconds: fc.integer({ min: 1, max: 5 }),
      hardMultiple: fc.constant(0),
    });
    const messages = fc.array(
      fc.record({ pauseMs: fc.integer({ min: 0, max: 300 }), bytes: fc.integer({ min: 0, max: 2000 }) }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(settings, messages, (each, all) => {
        const rate = new MessageRate(each, 0);
        let nowMs = 0;
        let count = 0;
        let bytes = 0;
        let largest = 0;
        for (const message of all) {
          nowMs += message.pauseMs;
          if (rate.isSpent && !rate.refill(nowMs)) continue;
          rate.take(message.bytes);
          count += 1;
          bytes += message.bytes;
          largest = Math.max(largest, message.bytes);
          const seconds = each.burstSeconds + nowMs / 1000;
          // The last one may be more than what was left: that is owed.
          if (each.messagesPerSecond > 0) {
            expect(count).toBeLessThanOrEqual(each.messagesPerSecond * seconds + 1 + 1e-6);
          }
          if (each.bytesPerSecond > 0) {
            expect(bytes).toBeLessThanOrEqual(each.bytesPerSecond * seconds + largest + 1e-6);
          }
        }
      }),
    );
  });

  it('says when so many seconds of it are there again, and of what has no limit always', () => {
    const rate = new MessageRate(limits, 0);
    drain(rate);
    expect([rate.refill(150), rate.refillTo(0.1, 150), rate.refillTo(0.1, 200)]).toEqual([true, false, true]);
    expect(rate.refillTo(100, 2000)).toBe(false);
    expect(rate.refillTo(100, 2100)).toBe(true);
  });

  it('of 0 is none', () => {
    const none = { messagesPerSecond: 0, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 1 };
    expect(isLimited(none)).toBe(false);
    const rate = new MessageRate(none, 0);
    for (let i = 0; i < 1000; i += 1) rate.take(1_000_000);
    expect(rate.refill(0)).toBe(true);
    expect(rate.refill(10)).toBe(true);
    expect(rate.isSpent).toBe(false);
  });

  it('calls abuse what goes on many times as fast as it may, and not what was sent late at once', () => {
    const rate = new MessageRate(limits, 0);
    let nowMs = 0;
    const resume = (): void => {
      rate.stopped(nowMs);
      nowMs += 1000;
      expect(rate.refill(nowMs)).toBe(true);
      rate.resumed(nowMs);
    };
    expect(drain(rate)).toBe(21);
    for (let round = 0; round < 9; round += 1) {
      resume();
      expect(drain(rate)).toBe(10);
    }
    rate.stopped(nowMs);
    expect(rate.isAbused).toBe(false);
    resume();
    drain(rate);
    rate.stopped(nowMs);
    expect(rate.isAbused).toBe(true);
  });

  it('judges anew who comes back after having been disconnected, and gives nothing for that', () => {
    const rate = new MessageRate(limits, 0);
    for (let nowMs = 0; !rate.isAbused; nowMs += 1000) {
      rate.refill(nowMs);
      rate.resumed(nowMs);
      drain(rate);
      rate.stopped(nowMs);
    }
    rate.abandoned();
    expect([rate.isAbused, rate.isSpent]).toEqual([false, true]);
  });

  it('forgives who slows down', () => {
    const rate = new MessageRate(limits, 0);
    let nowMs = 0;
    for (let round = 0; round < 30; round += 1) {
      drain(rate);
      // Three times as fast as it may, below the multiple of 5: it takes a third of a second to use up a second's worth.
      nowMs += 334;
      rate.stopped(nowMs);
      nowMs += 1000;
      rate.refill(nowMs);
      rate.resumed(nowMs);
    }
    expect(rate.isAbused).toBe(false);
  });
});
