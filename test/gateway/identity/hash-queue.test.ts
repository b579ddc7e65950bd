import { describe, expect, it } from 'vitest';
import { HashQueue } from '../../../gateway/identity/hash-queue.ts';

/** Work that ends when the test says so. */
class Work {
  readonly started: number[] = [];
  readonly #ends = new Map<number, PromiseWithResolvers<number>>();

  begin = (queue: HashQueue, id: number, source?: string, isKnown?: boolean): Promise<number | undefined> | undefined =>
    queue.run(
      () => {
        this.started.push(id);
        const end = Promise.withResolvers<number>();
        this.#ends.set(id, end);
        return end.promise;
      },
      source,
      isKnown,
    );

  end = (id: number): void => this.#ends.get(id)?.resolve(id);
  fail = (id: number): void => this.#ends.get(id)?.reject(new Error(`${id}`));
}

describe('the hash queue', () => {
  it('runs so much at once, lets so much wait, and refuses the rest', async () => {
    const queue = new HashQueue(2, 1);
    const work = new Work();
    const results = [1, 2, 3, 4].map((id) => work.begin(queue, id));
    expect(work.started).toEqual([1, 2]);
    expect(results[3]).toBeUndefined();
    expect([queue.running, queue.waiting]).toEqual([2, 1]);

    work.end(1);
    expect(await results[0]).toBe(1);
    expect(work.started).toEqual([1, 2, 3]);
    expect([queue.running, queue.waiting]).toEqual([2, 0]);
    work.end(2);
    work.end(3);
    expect(await Promise.all([results[1], results[2]])).toEqual([2, 3]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('serves first who came first', async () => {
    const queue = new HashQueue(1, 10);
    const work = new Work();
    const results = [1, 2, 3, 4].map((id) => work.begin(queue, id));
    for (const id of [1, 2, 3, 4]) {
      work.end(id);
      await results[id - 1];
    }
    expect(work.started).toEqual([1, 2, 3, 4]);
  });

  it('has sources take turns, and one that floods give way to one that comes rarely', async () => {
    const queue = new HashQueue(1, 3);
    const work = new Work();
    const flood = [1, 2, 3, 4].map((id) => work.begin(queue, id, 'flood'));
    expect(work.begin(queue, 5, 'flood')).toBeUndefined();
    const honest = work.begin(queue, 6, 'honest');
    // The newest of the flood has made room.
    expect(await flood[3]).toBeUndefined();
    for (const [id, result] of [
      [1, flood[0]],
      [2, flood[1]],
      [6, honest],
      [3, flood[2]],
    ] as const) {
      work.end(id);
      expect(await result).toBe(id);
    }
    expect(work.started).toEqual([1, 2, 6, 3]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('gives a known source every second turn, however many strangers wait', async () => {
    const queue = new HashQueue(1, 5);
    const work = new Work();
    const results = [1, 2, 3, 4].map((id) => work.begin(queue, id, `stranger ${id}`));
    results.push(...[5, 6].map((id) => work.begin(queue, id, 'home', true)));
    for (const [place, id] of [1, 5, 2, 6, 3, 4].entries()) {
      expect(work.started).toHaveLength(place + 1);
      work.end(id);
      expect(await results[id - 1]).toBe(id);
    }
    expect(work.started).toEqual([1, 5, 2, 6, 3, 4]);
  });

  it('gives the place of work that failed to the next', async () => {
    const queue = new HashQueue(1, 1);
    const work = new Work();
    const [first, second] = [work.begin(queue, 1), work.begin(queue, 2)];
    work.fail(1);
    await expect(first).rejects.toThrow('1');
    work.end(2);
    expect(await second).toBe(2);
    expect(queue.running).toBe(0);
  });
});
