import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../device-simulator/core/random.ts';
import { Vehicle } from '../../../device-simulator/core/vehicle.ts';

const seconds = 3 * 3600;
const metresPerDegree = 111_320;

interface Moment {
  readonly northM: number;
  readonly eastM: number;
  readonly speedMps: number;
  readonly headingDeg: number;
  readonly batteryLevel: number;
  readonly odometerM: number;
  readonly state: string;
  readonly fault: string | undefined;
}

function moment(vehicle: Vehicle): Moment {
  return {
    northM: vehicle.latitudeDeg * metresPerDegree,
    eastM: vehicle.longitudeDeg * metresPerDegree * Math.cos((52.5163 * Math.PI) / 180),
    speedMps: vehicle.speedMps,
    headingDeg: vehicle.headingDeg,
    batteryLevel: vehicle.batteryLevel,
    odometerM: vehicle.odometerM,
    state: vehicle.state,
    fault: vehicle.fault,
  };
}

/** A few vehicles, looked at once a second for some hours. */
const tracks: Moment[][] = [1, 2, 3, 4, 5, 6].map((stream) => {
  const vehicle = new Vehicle(randomStream(42, stream));
  const track = [moment(vehicle)];
  for (let second = 0; second < seconds; second += 1) {
    vehicle.advance(1);
    track.push(moment(vehicle));
  }
  return track;
});

/** Everything that is not so on some step of some vehicle. */
function violations(isFine: (before: Moment, after: Moment) => boolean): [Moment, Moment][] {
  return tracks.flatMap((track) =>
    track.slice(1).flatMap((after, index): [Moment, Moment][] => {
      const before = track[index] as Moment;
      return isFine(before, after) ? [] : [[before, after]];
    }),
  );
}

const distanceM = (a: Moment, b: Moment) => Math.hypot(b.northM - a.northM, b.eastM - a.eastM);
/** Smallest angle between two directions. */
const angleBetween = (a: number, b: number) => Math.abs(((((a - b) % 360) + 540) % 360) - 180);

describe('a simulated vehicle', () => {
  it('does the same for the same seed, however its time is cut into whole steps', () => {
    const once = new Vehicle(randomStream(9, 1));
    const again = new Vehicle(randomStream(9, 1));
    for (let i = 0; i < 600; i += 1) {
      once.advance(2);
      again.advance(1);
      again.advance(1);
    }
    expect(moment(again)).toEqual(moment(once));
    const other = new Vehicle(randomStream(10, 1));
    other.advance(1200);
    expect(moment(other)).not.toEqual(moment(once));
  });

  it('keeps to the speed limit of a city', () => {
    expect(violations((_, { speedMps }) => speedMps >= 0 && speedMps <= 13.9)).toEqual([]);
  });

  it('accelerates and brakes as a calm driver does', () => {
    expect(violations((a, b) => b.speedMps - a.speedMps <= 1.7 && b.speedMps - a.speedMps >= -2.8)).toEqual([]);
  });

  it('moves no further than its speed allows', () => {
    expect(violations((a, b) => distanceM(a, b) <= Math.max(a.speedMps, b.speedMps) + 1.7)).toEqual([]);
    expect(violations((a, b) => a.speedMps > 0 || b.speedMps > 0 || distanceM(a, b) < 1e-3)).toEqual([]);
  });

  it('moves where it is heading', () => {
    const courseDeg = (a: Moment, b: Moment) => (Math.atan2(b.eastM - a.eastM, b.northM - a.northM) * 180) / Math.PI;
    // Within a second a corner is half a turn at most; on the straight, the course is the heading.
    expect(
      violations((a, b) => {
        if (distanceM(a, b) < 0.5) return true;
        const between = angleBetween(a.headingDeg, b.headingDeg);
        return angleBetween(courseDeg(a, b), b.headingDeg) <= between + 0.5;
      }),
    ).toEqual([]);
  });

  it('turns in corners, not on the spot: slowly driven, with a radius', () => {
    expect(
      violations((a, b) => {
        const turnedDeg = angleBetween(a.headingDeg, b.headingDeg);
        const setsOff = a.speedMps === 0 && b.speedMps < 2;
        return turnedDeg < 0.01 || setsOff || (turnedDeg < 45 && b.speedMps <= 6.5);
      }),
    ).toEqual([]);
  });

  it('counts on its odometer the way that it drives, and never back', () => {
    expect(violations((a, b) => b.odometerM >= a.odometerM)).toEqual([]);
    // The chord of a corner is shorter than its arc, nothing is longer.
    expect(violations((a, b) => b.odometerM - a.odometerM >= distanceM(a, b) - 1e-3)).toEqual([]);
  });

  it('drains its battery unless it charges, faster when it drives', () => {
    expect(
      violations((a, b) => b.batteryLevel <= a.batteryLevel || a.state === 'charging' || b.state === 'charging'),
    ).toEqual([]);
    for (const track of tracks) {
      for (const { batteryLevel } of track) expect(batteryLevel > 0.02 && batteryLevel <= 1).toBe(true);
    }
    const drainOf = (state: string) => {
      const steps = tracks.flatMap((track) => track.slice(1).map((after, index) => [track[index] as Moment, after]));
      const own = steps.filter(([a, b]) => a?.state === state && b?.state === state) as [Moment, Moment][];
      return own.reduce((sum, [a, b]) => sum + a.batteryLevel - b.batteryLevel, 0) / own.length;
    };
    expect(drainOf('driving')).toBeGreaterThan(10 * drainOf('parked'));
  });

  it('drives, stops at lights, parks, charges, and has a fault now and then', () => {
    const states = new Set(tracks.flat().map(({ state }) => state));
    expect([...states].sort()).toEqual(['charging', 'driving', 'parked', 'stopped']);
    expect(tracks.flat().some(({ fault }) => fault !== undefined)).toBe(true);
    const faulty = tracks.flat().filter(({ fault }) => fault !== undefined).length;
    expect(faulty / tracks.flat().length).toBeLessThan(0.2);
    const driving = tracks.flat().filter(({ state }) => state === 'driving').length;
    expect(driving / tracks.flat().length).toBeGreaterThan(0.2);
  });

  it('stays in its city', () => {
    const radiusM = 31 * 160 * Math.SQRT2;
    const [centreN, centreE] = [
      52.5163 * metresPerDegree,
      13.3777 * metresPerDegree * Math.cos((52.5163 * Math.PI) / 180),
    ];
    expect(violations((_, b) => Math.hypot(b.northM - centreN, b.eastM - centreE) <= radiusM)).toEqual([]);
  });
});
