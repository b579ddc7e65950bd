import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../../../gateway/core/alerts/compile.ts';
import { at, ruleSettings, square, TestVehicle } from '../fixture.ts';

const inside = at(0.5, 0.5);
const outside = at(5, 5);

describe('the rule of geofences', () => {
  it('raises when a fence to keep out of is entered, clears when it is left', () => {
    const vehicle = new TestVehicle([square('yard', 'keep_out')]);
    const told = [outside, inside, inside, outside, outside].map((position) => vehicle.tell(position));
    expect(told).toEqual([[], ['raised yard entered'], [], ['cleared yard left'], []]);
  });

  it('raises when the first known position is in a fence to keep out of', () => {
    expect(new TestVehicle([square('yard', 'keep_out')]).tell(inside)).toEqual(['raised yard entered']);
  });

  it('raises when a fence to keep in is left, clears when it is entered again', () => {
    const vehicle = new TestVehicle([square('zone', 'keep_in')]);
    const told = [inside, outside, outside, inside, outside].map((position) => vehicle.tell(position));
    expect(told).toEqual([[], ['raised zone left'], [], ['cleared zone entered'], ['raised zone left']]);
  });

  it('says nothing of a fence to keep in where the vehicle never was', () => {
    const vehicle = new TestVehicle([square('zone', 'keep_in')]);
    expect([outside, inside].flatMap((position) => vehicle.tell(position))).toEqual([]);
  });

  it('tells fence, position and severity, under an id of its own for each fence', () => {
    const vehicle = new TestVehicle([square('a', 'keep_out'), square('b', 'keep_out')]);
    const alerts = vehicle.report(inside);
    expect(alerts.map(({ id }) => id).toSorted()).toEqual([
      'unit-7:1:1:geofence_violation:a',
      'unit-7:1:1:geofence_violation:b',
    ]);
    expect(alerts.find(({ id }) => id.endsWith('a'))).toMatchObject({
      severity: 'critical',
      finding: { fenceId: 'a', fenceName: 'fence a', kind: 'keep_out', longitudeDeg: 0.5, latitudeDeg: 0.5 },
    });
  });

  it('passes over reports without a position, or with one that is too inaccurate', () => {
    const vehicle = new TestVehicle([square('yard', 'keep_out')]);
    expect(vehicle.tell({ position: null })).toEqual([]);
    expect(vehicle.tell(at(0.5, 0.5, 51))).toEqual([]);
    expect(vehicle.tell(at(0.5, 0.5, null))).toEqual(['raised yard entered']);
    expect(vehicle.tell(at(5, 5, 51))).toEqual([]);
  });

  it('repeats nothing when fences are exchanged for the same ones and others', () => {
    const vehicle = new TestVehicle([square('yard', 'keep_out'), square('gone', 'keep_in')]);
    vehicle.report(inside);
    vehicle.rules = compileRules(ruleSettings, [square('new', 'keep_out'), square('yard', 'keep_out')]);
    expect(vehicle.tell(inside)).toEqual(['raised new entered']);
    expect(vehicle.tell(inside)).toEqual([]);
    expect(vehicle.tell(outside).toSorted()).toEqual(['cleared new left', 'cleared yard left']);
  });

  it('remembers a bounded number of fences that were left', () => {
    const fences = Array.from({ length: 50 }, (_, i) => square(`zone-${i}`, 'keep_in', 2 * i));
    const vehicle = new TestVehicle(fences);
    for (let i = 0; i < 50; i++) vehicle.report(at(2 * i + 0.5, 0.5));
    expect(vehicle.state.left).toHaveLength(32);
    expect(vehicle.state.left.at(-1)).toBe('zone-48');
  });
});
