import { describe, expect, it } from 'vitest';
import { TestVehicle } from '../fixture.ts';

const drive = (speeds: readonly (number | null)[]) => {
  const vehicle = new TestVehicle();
  return speeds.map((speedMps) => vehicle.tell({ speedMps }).length);
};

describe('the rule of sudden stops', () => {
  it('raises when speed falls far enough between two reports, and only once', () => {
    expect(drive([14, 14, 0, 0, 0])).toEqual([0, 0, 1, 0, 0]);
  });

  it('tells from which speed, to which, and in what time', () => {
    const vehicle = new TestVehicle();
    vehicle.report({ speedMps: 14 });
    expect(vehicle.report({ speedMps: 0.5 })[0]).toMatchObject({
      severity: 'critical',
      finding: { rule: 'sudden_stop', fromMps: 14, toMps: 0.5, withinUs: 1_000_000 },
    });
  });

  it('sees a stop that takes several reports within the time', () => {
    expect(drive([14, 7, 0.2, 0])).toEqual([0, 0, 1, 0]);
  });

  it('takes slow braking for no stop', () => {
    expect(drive([14, 12, 10, 8, 6, 4, 2, 0])).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('sees a stop at the end of slow braking', () => {
    expect(drive([14, 13.5, 13, 12.5, 12, 0])).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it('takes hard braking to another speed for no stop', () => {
    expect(drive([30, 15, 15])).toEqual([0, 0, 0]);
  });

  it('passes over reports without speed', () => {
    expect(drive([14, null, 0, 0])).toEqual([0, 0, 1, 0]);
  });

  it('says nothing across a gap that is longer than the time', () => {
    expect(drive([14, null, null, null, 0])).toEqual([0, 0, 0, 0, 0]);
  });

  it('says nothing about the first report of a vehicle', () => {
    expect(drive([0])).toEqual([0]);
  });
});
