import { describe, expect, it } from 'vitest';
import { Bay, localHour, occupancyShare } from '../../../device-simulator/core/bay.ts';
import { createFleet } from '../../../device-simulator/core/fleet.ts';
import { randomStream } from '../../../device-simulator/core/random.ts';
import { World } from '../../../device-simulator/core/world.ts';

const hourMs = 3_600_000;
const midnight = Date.UTC(2025, 10, 21) - (13.3777 / 15) * hourMs;

describe('a parking bay', () => {
  it('is occupied more by day than by night', () => {
    const share = (hour: number) => {
      let occupied = 0;
      for (let stream = 0; stream < 400; stream += 1) {
        const bay = new Bay(randomStream(3, stream), midnight + (hour - 2) * hourMs, () => 'veh-000001');
        bay.advanceTo(midnight + hour * hourMs);
        if (bay.occupied) occupied += 1;
      }
      return occupied / 400;
    };
    expect(share(18)).toBeGreaterThan(0.5);
    expect(share(9)).toBeGreaterThan(0.4);
    expect(share(3)).toBeLessThan(0.3);
  });

  it('names the vehicle while one stands in it, and only then', () => {
    const bay = new Bay(randomStream(1, 1), midnight + 8 * hourMs, () => 'veh-000007');
    const seen = new Set<string | undefined>();
    for (let minute = 0; minute < 600; minute += 1) {
      bay.advanceTo(midnight + 8 * hourMs + minute * 60_000);
      expect(bay.vehicleId).toBe(bay.occupied ? 'veh-000007' : undefined);
      seen.add(bay.vehicleId);
    }
    expect(seen.size).toBe(2);
  });

  it('knows the local hour', () => {
    expect(localHour(midnight)).toBeCloseTo(0, 6);
    expect(localHour(midnight + 18.5 * hourMs)).toBeCloseTo(18.5, 6);
    expect(occupancyShare(18)).toBeLessThan(1);
  });
});

describe('a world', () => {
  const readings = (vehicles: number, seed: number) => {
    const fleet = createFleet({ vehicles, bays: 5, runId: 1 });
    const world = new World(fleet, seed, midnight + 9 * hourMs);
    const vehicle = world.vehicleAt(0, 60_000);
    const bay = world.bayAt(vehicles, 600_000);
    return [vehicle.latitudeDeg, vehicle.odometerM, bay.latitudeDeg, bay.occupied, bay.changedAtMs];
  };

  it('is decided by its seed', () => {
    expect(readings(10, 5)).toEqual(readings(10, 5));
    expect(readings(10, 5)).not.toEqual(readings(10, 6));
  });

  it('does not change its first vehicles and bays when the fleet grows', () => {
    expect(readings(20, 5)).toEqual(readings(10, 5));
  });

  it('lets every vehicle stand in one bay only', () => {
    const fleet = createFleet({ vehicles: 23, bays: 7, runId: 1 });
    const world = new World(fleet, 2, midnight + 9 * hourMs);
    const bayOf = new Map<string, number>();
    for (let index = 23; index < 30; index += 1) {
      for (let minute = 0; minute < 2_000; minute += 1) {
        const { vehicleId } = world.bayAt(index, minute * 60_000);
        if (vehicleId === undefined) continue;
        expect(fleet.some(({ boundTo }) => boundTo === vehicleId)).toBe(true);
        expect(bayOf.get(vehicleId) ?? index).toBe(index);
        bayOf.set(vehicleId, index);
      }
    }
    expect(bayOf.size).toBeGreaterThan(15);
  });

  it('has bays whose visitors nobody can name when there are no vehicles', () => {
    const world = new World(createFleet({ vehicles: 0, bays: 3, runId: 1 }), 1, midnight + 9 * hourMs);
    const seen = Array.from({ length: 3_000 }, (_, minute) => world.bayAt(0, minute * 60_000).vehicleId);
    expect(new Set(seen)).toEqual(new Set(['', undefined]));
  });

  it('refuses to take a bay for a vehicle', () => {
    const world = new World(createFleet({ vehicles: 1, bays: 1, runId: 1 }), 1, midnight);
    expect(() => world.vehicleAt(1, 0)).toThrow('not a vehicle');
    expect(() => world.bayAt(0, 0)).toThrow('not a bay');
  });
});
