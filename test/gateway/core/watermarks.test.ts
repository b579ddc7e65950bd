import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pressure } from '../../../gateway/core/record-sink.ts';
import { Watermarks } from '../../../gateway/core/watermarks.ts';

const settings = { softRecords: 10, hardRecords: 20, softBytes: 1000, hardBytes: 2000 };

function observed() {
  const levels: Pressure[] = [];
  return { levels, marks: new Watermarks(settings, (level) => levels.push(level)) };
}

describe('the watermarks', () => {
  test('rise at the marks and fall a fifth below them', () => {
    const { levels, marks } = observed();
    for (let i = 0; i < 20; i++) marks.add(1);
    expect(levels).toEqual([1, 2]);
    marks.remove(4, 4);
    expect(levels).toEqual([1, 2]);
    marks.remove(1, 1);
    expect(levels).toEqual([1, 2, 1]);
    marks.remove(8, 8);
    expect(levels).toEqual([1, 2, 1, 0]);
  });

  test('count bytes as well as records', () => {
    const { levels, marks } = observed();
    marks.add(2500);
    expect(levels).toEqual([2]);
    marks.remove(1, 2500);
    expect(levels).toEqual([2, 0]);
  });

  test('never report the same level twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 300 })), (steps) => {
        const { levels, marks } = observed();
        for (const step of steps) {
          if (step >= 0) marks.add(step);
          else if (marks.records > 0) marks.remove(1, Math.min(marks.bytes, -step));
        }
        expect(levels.some((level, i) => level === (i === 0 ? 0 : levels[i - 1]))).toBe(false);
        expect(marks.level).toBe(levels.at(-1) ?? 0);
      }),
    );
  });
});
