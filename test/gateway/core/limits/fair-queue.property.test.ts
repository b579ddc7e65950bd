import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../../gateway/core/limits/fair-queue.ts';

interface Item {
  readonly source: string;
  readonly id: number;
}

const sources = fc.constantFrom('a', 'b', 'c', 'd');
/** Undefined takes one out. */
const steps = fc.array(fc.option(sources, { nil: undefined }), { maxLength: 200 });

describe('a fair queue', () => {
  it('loses nothing, keeps to its size, and serves each source in the order in which it came', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 8 }), (all, max) => {
        const queue = new FairQueue<Item>(max);
        const out: Item[] = [];
        const displaced: Item[] = [];
        let pushed = 0;
        for (const source of all) {
          if (source === undefined) {
            const item = queue.shift();
            if (item !== undefined) out.push(item);
          } else {
            const left = queue.push(source, { source, id: pushed });
            pushed += 1;
            if (left !== undefined) displaced.push(left);
          }
          expect(queue.size).toBeLessThanOrEqual(max);
        }
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) out.push(item);
        expect(queue.size).toBe(0);
        expect([...out, ...displaced].map(({ id }) => id).sort((a, b) => a - b)).toEqual(
          Array.from({ length: pushed }, (_, id) => id),
        );
        for (const source of ['a', 'b', 'c', 'd']) {
          const served = out.filter((item) => item.source === source).map(({ id }) => id);
          expect(served).toEqual([...served].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('gives everybody who waits a turn before anybody has a second one', () => {
    fc.assert(
      fc.property(fc.array(sources, { minLength: 1, maxLength: 60 }), (all) => {
        const queue = new FairQueue<Item>(1000);
        for (const [id, source] of all.entries()) queue.push(source, { source, id });
        const waiting = new Set(all).size;
        const first = Array.from({ length: waiting }, () => queue.shift()?.source);
        expect(new Set(first).size).toBe(waiting);
      }),
    );
  });

  it('lets one who comes rarely in, however full one who floods has made it', () => {
    const queue = new FairQueue<string>(10);
    const refused = Array.from({ length: 1000 }, (_, id) => queue.push('flood', `flood ${id}`)).filter(Boolean);
    expect(refused).toHaveLength(990);
    expect(queue.push('honest', 'honest')).toBe('flood 9');
    expect([queue.shift(), queue.shift()]).toEqual(['flood 0', 'honest']);
  });

  it('always takes from one that has most, as looking through all of them would', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 8 }), (all, max) => {
        const queue = new FairQueue<Item>(max);
        const waiting = new Map<string, number>();
        const change = (source: string, by: number) => waiting.set(source, (waiting.get(source) ?? 0) + by);
        for (const [id, source] of all.entries()) {
          if (source === undefined) {
            const item = queue.shift();
            if (item !== undefined) change(item.source, -1);
            continue;
          }
          const most = Math.max(0, ...waiting.values());
          const own = waiting.get(source) ?? 0;
          const wasFull = queue.size === max;
          const left = queue.push(source, { source, id });
          if (!wasFull) expect(left).toBeUndefined();
          else if (own + 1 >= most) expect(left?.id).toBe(id);
          else expect(waiting.get(left?.source ?? '')).toBe(most);
          change(source, 1);
          if (left !== undefined) change(left.source, -1);
        }
      }),
    );
  });

  it('is not held up by many sources: full of them, it takes and gives hundreds of thousands', () => {
    const sources = 20_000;
    const queue = new FairQueue<number>(3 * sources);
    for (let i = 0; i < 3 * sources; i += 1) queue.push(`source ${i % sources}`, i);
    let displaced = 0;
    // Looking through all of them each time would be billions of steps.
    for (let i = 0; i < 300_000; i += 1) {
      if (queue.push(`other ${i}`, i) !== undefined) displaced += 1;
      if (i % 3 === 0) queue.shift();
    }
    expect(displaced).toBeGreaterThan(100_000);
    expect(queue.size).toBeLessThanOrEqual(3 * sources);
  });

  it('has two who wait equally long push out each other no more', () => {
    const queue = new FairQueue<string>(2);
    queue.push('a', 'a1');
    queue.push('b', 'b1');
    expect(queue.push('c', 'c1')).toBe('c1');
    expect(queue.push('a', 'a2')).toBe('a2');
  });
});
