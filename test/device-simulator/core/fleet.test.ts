import { describe, expect, it } from 'vitest';
import { createFleet } from '../../../device-simulator/core/fleet.ts';
import { randomStream } from '../../../device-simulator/core/random.ts';

describe('a seeded stream of randomness', () => {
  const draw = (seed: number, stream: number) => {
    const random = randomStream(seed, stream);
    return Array.from({ length: 50 }, () => random.next());
  };

  it('gives the same numbers for the same seed and stream', () => {
    expect(draw(7, 3)).toEqual(draw(7, 3));
  });

  it('gives other numbers for another seed or another stream', () => {
    expect(draw(7, 3)).not.toEqual(draw(8, 3));
    expect(draw(7, 3)).not.toEqual(draw(7, 4));
    expect(draw(7, 3)).not.toEqual(draw(3, 7));
  });

  it('fills [0, 1) evenly, also across the first numbers of neighbouring streams', () => {
    const first = Array.from({ length: 20_000 }, (_, stream) => randomStream(1, stream).next());
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = first.filter((value) => Math.floor(value * 10) === tenth).length / first.length;
      expect(share).toBeGreaterThan(0.09);
      expect(share).toBeLessThan(0.11);
    }
  });

  it('draws exponential times with the mean that is asked for', () => {
    const random = randomStream(5, 5);
    const sum = Array.from({ length: 50_000 }, () => random.exponential(40)).reduce((a, b) => a + b, 0);
    expect(sum / 50_000).toBeGreaterThan(39);
    expect(sum / 50_000).toBeLessThan(41);
  });
});

describe('a fleet', () => {
  it('names vehicles, bays and their devices', () => {
    const fleet = createFleet({ vehicles: 2, bays: 1, runId: 1 });
    expect(fleet.map(({ deviceId, kind, boundTo }) => [deviceId, kind, boundTo])).toEqual([
      ['dev-veh-000001', 'vehicle', 'veh-000001'],
      ['dev-veh-000002', 'vehicle', 'veh-000002'],
      ['dev-bay-0001', 'bay', 'bay-0001'],
    ]);
  });

  it('has boot ids that fit 32 bits, differ between devices, and are drawn anew by every run', () => {
    const bootIds = (runId: number) =>
      createFleet({ vehicles: 3_000, bays: 500, runId }).map((device) => device.bootId);
    const first = bootIds(1);
    expect(new Set(first).size).toBe(3_500);
    for (const bootId of first) expect(bootId >= 1 && bootId <= 0xffff_ffff && Number.isInteger(bootId)).toBe(true);
    expect(bootIds(1)).toEqual(first);
    expect(bootIds(2).some((bootId, index) => bootId === first[index])).toBe(false);
  });
});
