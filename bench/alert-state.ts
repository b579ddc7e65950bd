import { Alerting, type PublishStep } from '../gateway/core/alerts/alerting.ts';
import { compileRules } from '../gateway/core/alerts/compile.ts';
import { derive } from '../gateway/core/alerts/derive.ts';
import { StateBlock } from '../gateway/core/alerts/state/state-block.ts';
import { TrackedVehicles } from '../gateway/core/alerts/state/tracked-vehicles.ts';
import { VehicleState } from '../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../gateway/core/event.ts';
import { delivered } from '../gateway/core/outcome.ts';
import { Publish } from '../gateway/core/publish.ts';
import { median } from './measure/median.ts';

/**
 * `node --expose-gc bench/alert-state.ts`: the evidence of ADR 20. CPU per report of what surrounds `derive` with four
 * rules and no fences: finding the vehicle, deriving in place, moving what is settled on with the publish, and writing down
 * what a restart must not forget (which a slow vehicle has not, and a fast one has with each report).
 */
const fleets = [2000, 100_000];
const reports = 1_200_000;
/** Publishes that are under way when the first of them is settled. */
const inFlight = 1000;
const rounds = 5;

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

const severity = 'warning' as const;
const rules = compileRules(
  {
    lowBattery: { enabled: true, lowPercent: 15, recoveredPercent: 20, severity },
    geofences: { maxAccuracyM: 50 },
    faultCodes: { enabled: true, codes: ['*'], clearAfterSeconds: 3600, severity },
    odometerService: { enabled: true, intervalKm: 15_000, severity },
    suddenStop: { enabled: true, minDropKmh: 35, withinMs: 2000, stoppedKmh: 5, severity },
  },
  [],
);

/** Reports of all vehicles in turns; one object for all, changed in between, so that only what follows is measured. */
function forEachReport(vehicles: number, speedMps: number, each: (event: DeviceEvent, vehicle: number) => void): void {
  const message = { speedMps, batteryLevel: 0.8, odometerM: 10_000_000, faultCodes: [] };
  const event = {
    ...{ publish: new SilentPublish(), subject: '', key: '', digest: '', bootId: 1, sequence: 0, timeUs: 0, message },
  };
  for (let report = 0; report < reports / vehicles; report++) {
    event.sequence = report;
    event.timeUs = 1_760_000_000_000_000 + report * 1_000_000;
    for (let vehicle = 0; vehicle < vehicles; vehicle++) {
      event.subject = ids[vehicle] as string;
      each(event, vehicle);
    }
  }
}

const ids = Array.from({ length: Math.max(...fleets) }, (_, vehicle) => `veh-${vehicle}`);

function cpuUs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / reports;
}

const newStates = (vehicles: number) => Array.from({ length: vehicles }, () => new VehicleState());

/** What is measured against: the rules alone, on states that are changed in place. */
function inPlace(vehicles: number, speedMps: number): number {
  const states = newStates(vehicles);
  return cpuUs(() =>
    forEachReport(vehicles, speedMps, (event, vehicle) => derive(event, states[vehicle] as VehicleState, rules)),
  );
}

/** A new copy for each report. */
function newCopies(vehicles: number, speedMps: number): number {
  const states = newStates(vehicles);
  return cpuUs(() =>
    forEachReport(vehicles, speedMps, (event, vehicle) => {
      const copy = new VehicleState();
      copy.copyFrom(states[vehicle] as VehicleState);
      derive(event, copy, rules);
      states[vehicle] = copy;
    }),
  );
}

/** As in the pipeline, with some publishes under way; `keeps`: what is worth keeping is written into a block. */
function tracked(vehicles: number, speedMps: number, keeps: boolean): number {
  const block = new StateBlock();
  const alerting = new Alerting({
    rules,
    vehicles: new TrackedVehicles(vehicles),
    observer: { derived: () => {}, durable: () => {}, takenBack: () => {} },
    keep: ({ vehicleId, settled }) => {
      if (!keeps) return;
      block.add(vehicleId, settled);
      if (block.length > 65_536) block.clear();
    },
  });
  const waiting: (PublishStep | undefined)[] = [];
  let next = 0;
  return cpuUs(() =>
    forEachReport(vehicles, speedMps, (event) => {
      const step = alerting.derive([event]);
      if (step === undefined) throw new Error('a report was not taken');
      alerting.take(step);
      waiting[next]?.concluded(delivered);
      waiting[next] = step;
      next = (next + 1) % inFlight;
    }),
  );
}

/** The first round warms up. */
function measured(work: () => number): number {
  const figures: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    globalThis.gc?.();
    const figure = work();
    if (round > 0) figures.push(figure);
  }
  return Number((median(figures) ?? Number.NaN).toFixed(3));
}

const speeds = { slow: 3, fast: 14 };
const results = fleets.flatMap((vehicles) =>
  Object.entries(speeds).map(([speed, speedMps]) => ({
    vehicles,
    speed,
    inPlaceUs: measured(() => inPlace(vehicles, speedMps)),
    newCopiesUs: measured(() => newCopies(vehicles, speedMps)),
    trackedUs: measured(() => tracked(vehicles, speedMps, false)),
    trackedAndKeptUs: measured(() => tracked(vehicles, speedMps, true)),
  })),
);
process.stdout.write(`${JSON.stringify({ inFlight, reports, cpuUsPerReport: results })}\n`);
