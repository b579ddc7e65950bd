import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Kept, KeptTable } from '../../../../gateway/core/limits/kept-table.ts';

class Entry implements Kept {
  readonly key: string;
  uses = 0;
  isProven = false;
  constructor(key: string) {
    this.key = key;
  }
}

const take = (table: KeptTable<Entry>, key: string): Entry => table.take(key, () => new Entry(key));

it('keeps what is in use, and of the rest no more than there is room for', () => {
  const keys = fc.nat({ max: 12 }).map((n) => `k${n}`);
  const steps = fc.array(fc.tuple(keys, fc.boolean(), fc.boolean()), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const table = new KeptTable<Entry>(4);
      const held: Entry[] = [];
      for (const [key, takes, proves] of all) {
        if (takes) {
          const entry = take(table, key);
          if (proves) entry.isProven = true;
          held.push(entry);
        } else {
          const entry = held.shift();
          if (entry !== undefined) table.leave(entry);
        }
        for (const entry of held) {
          expect(take(table, entry.key)).toBe(entry);
          table.leave(entry);
        }
        expect(table.size).toBeLessThanOrEqual(new Set(held).size + 4);
      }
      for (const entry of held) table.leave(entry);
      expect(table.size).toBeLessThanOrEqual(4);
    }),
  );
});

it('strangers, however many, push out no proven entry, and a proven one is the same when it comes back', () => {
  const table = new KeptTable<Entry>(10);
  const proven = ['a', 'b', 'c', 'd', 'e'].map((key) => {
    const entry = take(table, key);
    entry.isProven = true;
    table.leave(entry);
    return entry;
  });
  for (let i = 0; i < 10_000; i += 1) table.leave(take(table, `stranger-${i}`));
  for (const entry of proven) expect(take(table, entry.key)).toBe(entry);
  expect(table.size).toBe(10);
});
