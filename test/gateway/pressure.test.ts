import { expect, it } from 'vitest';
import { CombinedPressure } from '../../gateway/pressure.ts';

it('the pressure is that of the fullest part, told when it changes', () => {
  const levels: number[] = [];
  const pressure = new CombinedPressure((level) => levels.push(level));
  pressure.set('records', 1);
  pressure.set('memory', 1);
  pressure.set('memory', 2);
  pressure.set('records', 2);
  pressure.set('memory', 0);
  pressure.set('records', 0);
  expect(levels).toEqual([1, 2, 0]);
  expect(pressure.level).toBe(0);
});
