import { describe, expect, it } from 'vitest';
import { TrackedVehicles } from '../../../../../gateway/core/alerts/state/tracked-vehicles.ts';
import { VehicleState } from '../../../../../gateway/core/alerts/state/vehicle-state.ts';

const ids = (vehicles: TrackedVehicles) =>
  Array.from({ length: vehicles.size }, (_, index) => vehicles.at(index).vehicleId);

describe('the vehicles that are known', () => {
  it('are at most as many as there is room for: the one longest silent is forgotten', () => {
    const vehicles = new TrackedVehicles(3);
    for (const id of ['a', 'b', 'c', 'a', 'd']) vehicles.track(id);
    expect(vehicles.size).toBe(3);
    expect(vehicles.evicted).toBe(1);
    expect(ids(vehicles).sort()).toEqual(['a', 'c', 'd']);
  });

  it('keep their places while others come and go', () => {
    const vehicles = new TrackedVehicles(3);
    for (const id of ['a', 'b', 'c']) vehicles.track(id);
    vehicles.track('a');
    vehicles.track('d');
    vehicles.track('e');
    expect(ids(vehicles)).toEqual(['a', 'd', 'e']);
  });

  it('begin anew when they were forgotten', () => {
    const vehicles = new TrackedVehicles(1);
    const before = vehicles.track('a');
    before.settled.batteryLow = true;
    vehicles.track('b');
    expect(before.slot).toBe(-1);
    expect(vehicles.track('a').settled).toEqual(new VehicleState());
  });

  it('have the states that they are given back', () => {
    const vehicles = new TrackedVehicles(2);
    const state = new VehicleState();
    state.batteryLow = true;
    vehicles.restore('a', state);
    expect(vehicles.track('a').tip).toEqual(state);
  });
});
