import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LetterCap } from '../../../gateway/core/letter-cap.ts';

const settings = { maxPerDevicePerMinute: 60, burstPerDevice: 3, maxDevices: 100 };

const known = (deviceId: string) => ({ kind: 'vehicle', deviceId }) as const;
const anonymous = (deviceId: string) => ({ kind: 'anonymous', deviceId }) as const;

/** What a device gets that asks so often at once. */
const ask = (cap: LetterCap, times: number, nowMs: number, device = 'dev-1'): number[] =>
  Array.from({ length: times }, () => cap.take(known(device), nowMs));

describe('the cap on dead letters', () => {
  it('lets a device have its burst at once, then its rate', () => {
    const cap = new LetterCap(settings);
    expect(ask(cap, 5, 0)).toEqual([0, 0, 0, -1, -1]);
    expect(ask(cap, 1, 999)).toEqual([-1]);
    expect(ask(cap, 2, 1000)).toEqual([3, -1]);
  });

  it('tells with the next letter how many publishes were not kept, each of them once', () => {
    const cap = new LetterCap(settings);
    ask(cap, 10, 0);
    expect(cap.take(known('dev-1'), 60_000)).toBe(7);
    expect(cap.take(known('dev-1'), 60_000)).toBe(0);
  });

  it('is the same for each device, whatever the others do', () => {
    const cap = new LetterCap(settings);
    ask(cap, 10, 0);
    expect(ask(cap, 4, 0, 'dev-2')).toEqual([0, 0, 0, -1]);
  });

  it('gives nothing for a clock that steps back, and goes on from there', () => {
    const cap = new LetterCap(settings);
    ask(cap, 3, 10_000);
    expect(cap.take(known('dev-1'), 1000)).toBe(-1);
    expect(cap.take(known('dev-1'), 2000)).toBe(1);
  });

  it('remembers no more devices than it may, those that were rejected last', () => {
    const cap = new LetterCap({ ...settings, maxDevices: 2 });
    ask(cap, 4, 0, 'a');
    ask(cap, 4, 0, 'b');
    expect(cap.take(known('a'), 0)).toBe(-1);
    ask(cap, 1, 0, 'c');
    expect(cap.devices).toBe(2);
    expect(cap.take(known('a'), 0)).toBe(-1);
    expect(cap.take(known('b'), 0)).toBe(0);
  });

  it('is not used up, nor given anew, by anonymous clients, whatever they call themselves', () => {
    const cap = new LetterCap({ ...settings, maxDevices: 5 });
    ask(cap, 4, 0);
    for (let i = 0; i < 1000; i++) cap.take(anonymous(`dev-${i}`), 0);
    expect(cap.devices).toBe(6);
    expect(ask(cap, 1, 0)).toEqual([-1]);
    for (let i = 0; i < 10; i++) cap.take(anonymous('dev-2'), 0);
    expect(ask(cap, 1, 0, 'dev-2')).toEqual([0]);
    expect(cap.take(anonymous('dev-2'), 0)).toBe(-1);
  });

  it('never gives more than burst and rate allow, and loses no count', () => {
    const steps = fc.array(fc.nat(5000), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (pauses) => {
        const cap = new LetterCap(settings);
        let nowMs = 0;
        let kept = 0;
        let told = 0;
        for (const pause of pauses) {
          nowMs += pause;
          const unkept = cap.take(known('dev-1'), nowMs);
          if (unkept < 0) continue;
          kept += 1;
          told += unkept;
        }
        expect(kept).toBeLessThanOrEqual(settings.burstPerDevice + Math.floor(nowMs / 1000));
        const last = cap.take(known('dev-1'), nowMs + 60_000);
        expect(kept + told + last).toBe(pauses.length);
      }),
    );
  });
});
