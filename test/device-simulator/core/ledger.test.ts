import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitset } from '../../../device-simulator/core/bitset.ts';
import { Ledger, senderOf } from '../../../device-simulator/core/ledger.ts';

describe('a bitset', () => {
  it('is a set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5_000 })), (members) => {
        const bits = new Bitset();
        const set = new Set<number>();
        for (const member of members) {
          expect(bits.add(member)).toBe(!set.has(member));
          set.add(member);
        }
        expect(bits.size).toBe(set.size);
        expect([...bits]).toEqual([...set].sort((a, b) => a - b));
        for (let i = 0; i <= 5_001; i += 97) expect(bits.has(i)).toBe(set.has(i));
      }),
    );
  });
});

describe('the ledger', () => {
  it('knows what the ids of a device begin with, also where it connects anonymously', () => {
    expect(senderOf('dev-1', 'veh-1', false)).toBe('dev-1');
    expect(senderOf('dev-1', 'veh-1', true)).toBe('dev-1/veh-1');
  });

  it('counts a message once, however often it is sent or acknowledged', () => {
    const ledger = new Ledger();
    const account = ledger.open('veh-1', 5, 'dev-1');
    expect(ledger.recordSent(account, 1)).toBe(true);
    expect(ledger.recordSent(account, 1)).toBe(false);
    expect(ledger.recordAcknowledged(account, 1)).toBe(true);
    expect(ledger.recordAcknowledged(account, 1)).toBe(false);
    expect([ledger.total('sent'), ledger.total('acknowledged'), ledger.total('rejected')]).toEqual([1, 1, 0]);
  });

  it('takes no answer to what was never sent', () => {
    const ledger = new Ledger();
    const account = ledger.open('veh-1', 5, 'dev-1');
    expect(() => ledger.recordAcknowledged(account, 1)).toThrow('never sent');
    expect(() => ledger.recordRejected(account, 1)).toThrow('never sent');
  });

  it('finds the account of a boot, and of no other', () => {
    const ledger = new Ledger();
    const first = ledger.open('veh-1', 5, 'dev-1');
    const second = ledger.open('veh-1', 6, 'dev-1');
    expect(ledger.find('veh-1', 5)).toBe(first);
    expect(ledger.find('veh-1', 6)).toBe(second);
    expect(ledger.find('veh-1', 7)).toBeUndefined();
    expect(ledger.find('veh-2', 5)).toBeUndefined();
    expect(() => ledger.open('veh-1', 5, 'dev-1')).toThrow('before');
  });
});
