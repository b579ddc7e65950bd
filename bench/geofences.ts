import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import type { Alert } from '../gateway/core/alerts/alert.ts';
import { compileRules } from '../gateway/core/alerts/compile.ts';
import { derive } from '../gateway/core/alerts/derive.ts';
import type { Fence } from '../gateway/core/alerts/geofences/fence.ts';
import type { Rule } from '../gateway/core/alerts/rules/rule.ts';
import { StateBlock } from '../gateway/core/alerts/state/state-block.ts';
import { VehicleState } from '../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../gateway/core/event.ts';
import { Publish } from '../gateway/core/publish.ts';
import { type Area, makeFences, seeded } from './fences.ts';
import { median } from './measure/median.ts';

/**
 * `node --expose-gc bench/geofences.ts`: the evidence of ADR 19. CPU and garbage per report of `derive` with five rules, for
 * 0, 100 and 10,000 fences, of 8 to 40 corners and 100 to 1,000 m radius, strewn over a city of 54 × 44 km through which
 * 2,000 vehicles drive; beside it the exact test of every fence without an index.
 */
const vehicles = 2_000;
const reportsPerVehicle = 100;
const rounds = 5;
const bruteForceReports = 400;
const city: Area = { west: 13.0, south: 52.3, width: 0.8, height: 0.4 };

class SilentPublish extends Publish {
  readonly identity = { deviceId: 'unit', kind: 'vehicle', boundTo: 'vehicle' } as const;
  readonly topic = '';
  readonly payload = new Uint8Array(0);
  readonly qos = 1;
  readonly receivedAtMs = 0;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  answer(): void {}
}

/** One drive per vehicle, a report per second at about 14 m/s; made beforehand, so that only `derive` is measured. */
function makeDrive(vehicle: number, random: () => number): DeviceEvent[] {
  const publish = new SilentPublish();
  const heading = random() * 2 * Math.PI;
  const start = [city.west + random() * city.width, city.south + random() * city.height] as const;
  return Array.from({ length: reportsPerVehicle }, (_, i) => ({
    ...{ publish, subject: `veh-${vehicle}`, key: `veh-${vehicle}`, digest: '', bootId: 1, sequence: i },
    timeUs: 1_760_000_000_000_000 + i * 1_000_000,
    message: {
      position: {
        longitudeDeg: start[0] + (i * 14 * Math.cos(heading)) / 67_900,
        latitudeDeg: start[1] + (i * 14 * Math.sin(heading)) / 111_320,
        accuracyM: 3,
      },
      ...{ speedMps: 14, batteryLevel: 0.8, odometerM: 10_000_000 + i * 14, faultCodes: [] },
    },
  }));
}

function rulesFor(fences: readonly Fence[]): readonly Rule[] {
  const severity = 'warning' as const;
  return compileRules(
    {
      lowBattery: { enabled: true, lowPercent: 15, recoveredPercent: 20, severity },
      geofences: { maxAccuracyM: 50 },
      faultCodes: { enabled: true, codes: ['*'], clearAfterSeconds: 3600, severity },
      odometerService: { enabled: true, intervalKm: 15_000, severity },
      suddenStop: { enabled: true, minDropKmh: 35, withinMs: 2000, stoppedKmh: 5, severity },
    },
    fences,
  );
}

interface Figures {
  readonly cpuUsPerReport: number;
  readonly alertsPerReport: number;
  readonly insidePerReport: number;
}

/** Reports of all vehicles in turns, as they come from a fleet. */
function driveAll(drives: readonly DeviceEvent[][], states: VehicleState[], rules: readonly Rule[]): Figures {
  let alerts = 0;
  let inside = 0;
  const before = process.cpuUsage();
  for (let second = 0; second < reportsPerVehicle; second++) {
    for (let vehicle = 0; vehicle < vehicles; vehicle++) {
      const state = states[vehicle] as VehicleState;
      alerts += derive(drives[vehicle]?.[second] as DeviceEvent, state, rules).length;
      inside += state.inside.length;
    }
  }
  const { user, system } = process.cpuUsage(before);
  const reports = vehicles * reportsPerVehicle;
  return {
    cpuUsPerReport: (user + system) / reports,
    alertsPerReport: alerts / reports,
    insidePerReport: inside / reports,
  };
}

/** Garbage of one report of a vehicle that stays where it is; NaN without --expose-gc. */
function bytesPerQuietReport(drives: readonly DeviceEvent[][], rules: readonly Rule[]): number {
  const last = drives.map((drive) => drive[reportsPerVehicle - 1] as DeviceEvent);
  const states = newStates();
  const again = [1, 2].map((step) =>
    last.map((event) => ({ ...event, sequence: event.sequence + step, timeUs: event.timeUs + step * 1_000_000 })),
  );
  for (const [i, event] of [...last, ...(again[0] ?? [])].entries()) {
    derive(event, states[i % vehicles] as VehicleState, rules);
  }
  if (globalThis.gc === undefined) return Number.NaN;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  let alerts: readonly Alert[] = [];
  for (let i = 0; i < vehicles; i++) {
    alerts = derive(again[1]?.[i] as DeviceEvent, states[i] as VehicleState, rules);
    if (alerts.length > 0) throw new Error('a vehicle that stands still caused an alert');
  }
  return (process.memoryUsage().heapUsed - before) / vehicles;
}

const newStates = () => Array.from({ length: vehicles }, () => new VehicleState());

function bruteForceUs(drives: readonly DeviceEvent[][], fences: readonly Fence[]): number {
  const geometries = fences.map(({ polygons }) => ({
    type: 'MultiPolygon' as const,
    coordinates: polygons as unknown as number[][][][],
  }));
  let found = 0;
  const before = process.cpuUsage();
  for (let i = 0; i < bruteForceReports; i++) {
    const position = drives[i]?.[0]?.message?.position as { longitudeDeg: number; latitudeDeg: number };
    const point = [position.longitudeDeg, position.latitudeDeg];
    for (const geometry of geometries) found += booleanPointInPolygon(point, geometry) ? 1 : 0;
  }
  const { user, system } = process.cpuUsage(before);
  if (fences.length > 1000 && found === 0) throw new Error('no vehicle is in any fence');
  return (user + system) / bruteForceReports;
}

function measure(count: number, drives: readonly DeviceEvent[][]) {
  const random = seeded(count);
  const fences = makeFences(count, city, random);
  const started = process.cpuUsage();
  const rules = rulesFor(fences);
  const built = process.cpuUsage(started);
  const figures: Figures[] = [];
  let states: VehicleState[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    states = newStates();
    const figure = driveAll(drives, states, rules);
    if (round > 0) figures.push(figure);
  }
  const block = new StateBlock();
  for (const [vehicle, state] of states.entries()) block.add(`veh-${vehicle}`, state);
  return {
    fences: count,
    cpuUsPerReport: median(figures.map(({ cpuUsPerReport }) => cpuUsPerReport)),
    bruteForceUsPerReport: bruteForceUs(drives, fences),
    garbageBytesPerQuietReport: bytesPerQuietReport(drives, rules),
    alertsPerReport: figures[0]?.alertsPerReport,
    fencesInsidePerReport: figures[0]?.insidePerReport,
    buildMs: (built.user + built.system) / 1000,
    stateBytesPerVehicle: block.length / vehicles,
  };
}

const random = seeded(7);
const drives = Array.from({ length: vehicles }, (_, vehicle) => makeDrive(vehicle, random));
const results = [0, 100, 10_000].map((count) => measure(count, drives));
process.stdout.write(`${JSON.stringify({ rules: 5, results })}\n`);
