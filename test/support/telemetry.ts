import { join } from 'node:path';
import protobuf from 'protobufjs';

const proto = join(import.meta.dirname, '../../proto');
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(proto, target);
for (const file of ['vehicle_telemetry', 'battery_status', 'diagnostics', 'incident', 'bay_occupancy']) {
  root.loadSync(`mobility/telemetry/v1/${file}.proto`);
}

/** One vehicle report as a device would make it, valid unless a field is overridden. */
export function vehicleReport(vehicleId: string, sequence: number, overrides: object = {}): object {
  return {
    vehicleId,
    bootId: 7,
    sequence,
    eventTimeUs: Date.now() * 1000,
    position: { latitudeDeg: 52.52, longitudeDeg: 13.405, altitudeM: 34, accuracyM: 3 },
    speedMps: 8.3,
    headingDeg: 271,
    batteryLevel: 0.74,
    batteryVoltageV: 48.2,
    odometerM: 1_234_567,
    status: 2,
    ...overrides,
  };
}

/** One bay event, valid unless a field is overridden. */
export function bayEvent(bayId: string, sequence: number, overrides: object = {}): object {
  return { bayId, bootId: 9, sequence, eventTimeUs: Date.now() * 1000, state: 2, batteryLevel: 0.9, ...overrides };
}

/** Protobuf bytes of `fields` as the named message of `mobility.telemetry.v1`. */
export function encodeMessage(name: string, fields: object): Buffer {
  const type = root.lookupType(`mobility.telemetry.v1.${name}`);
  return Buffer.from(type.encode(type.fromObject(fields)).finish());
}

/** Protobuf bytes of a VehicleTelemetry. */
export function telemetryPayload(vehicleId: string, sequence: number, overrides: object = {}): Buffer {
  return encodeMessage('VehicleTelemetry', vehicleReport(vehicleId, sequence, overrides));
}
