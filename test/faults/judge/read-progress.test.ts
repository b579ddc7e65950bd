import { describe, expect, it } from 'vitest';
import { ReadProgress } from '../../../faults/judge/read-progress.ts';

const progress = () =>
  new ReadProgress(
    new Map([
      [
        't',
        new Map([
          [0, { low: 2, high: 5 }],
          [1, { low: 7, high: 7 }],
        ]),
      ],
    ]),
  );

describe('the progress of a reader', () => {
  it('is done when every partition is read to the end that it had', async () => {
    const reading = progress();
    expect(reading).toMatchObject({ inAll: 3, read: 0, isDone: false });
    expect([2, 3, 4, 5].map((offset) => reading.take('t', 0, offset))).toEqual([true, true, true, false]);
    reading.advance('t', 0, 6);
    await reading.done;
    expect(reading).toMatchObject({ read: 3, isDone: true });
  });

  it('takes no record twice when the reader begins anew', () => {
    const reading = progress();
    expect([2, 3, 2, 3, 4].map((offset) => reading.take('t', 0, offset))).toEqual([true, true, false, false, true]);
  });

  it('takes nothing that came after the ends were looked up, and nothing of other partitions', () => {
    const reading = progress();
    expect(reading.take('t', 1, 7)).toBe(false);
    expect(reading.take('t', 2, 0)).toBe(false);
    expect(reading.take('other', 0, 3)).toBe(false);
  });

  it('passes offsets that belong to no record', async () => {
    const reading = progress();
    reading.take('t', 0, 2);
    reading.advance('t', 0, 5);
    await reading.done;
  });

  it('is done at once when there is nothing to read', async () => {
    await new ReadProgress(new Map([['t', new Map([[0, { low: 0, high: 0 }]])]])).done;
  });

  it('fails when nothing is read for too long', async () => {
    const reading = progress();
    reading.checkStall(60_000);
    reading.checkStall(0);
    await expect(reading.done).rejects.toMatchObject({ code: 'stalled' });
  });
});
