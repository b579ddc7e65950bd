import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import type { Bay } from '../core/bay.ts';
import type { Device } from '../core/fleet.ts';
import type { Vehicle, VehicleState } from '../core/vehicle.ts';

const protoDirectory = join(dirname(fileURLToPath(import.meta.url)), '../../proto');

/** What every event carries besides its reading. */
export interface Envelope {
  readonly device: Device;
  readonly sequence: number;
  /** Milliseconds since the epoch, fractions allowed. */
  readonly eventTimeMs: number;
}

/** What a vehicle's unit can see of it. */
export type VehicleReading = Pick<
  Vehicle,
  | 'state'
  | 'latitudeDeg'
  | 'longitudeDeg'
  | 'altitudeM'
  | 'speedMps'
  | 'headingDeg'
  | 'batteryLevel'
  | 'batteryVoltageV'
  | 'odometerM'
  | 'fault'
>;

/** The present reading as plain fields, for whoever wants to change one. */
export const readingOf = (vehicle: Vehicle): VehicleReading => ({
  state: vehicle.state,
  latitudeDeg: vehicle.latitudeDeg,
  longitudeDeg: vehicle.longitudeDeg,
  altitudeM: vehicle.altitudeM,
  speedMps: vehicle.speedMps,
  headingDeg: vehicle.headingDeg,
  batteryLevel: vehicle.batteryLevel,
  batteryVoltageV: vehicle.batteryVoltageV,
  odometerM: vehicle.odometerM,
  fault: vehicle.fault,
});

/** Encodes readings as the Protobuf messages of the device contract. */
export interface PayloadEncoder {
  vehicle(envelope: Envelope, vehicle: VehicleReading): Uint8Array;
  bay(envelope: Envelope, bay: Bay): Uint8Array;
}

const status: Record<VehicleState, number> = { driving: 2, stopped: 2, parked: 1, charging: 3 };
const bayFree = 1;
const bayOccupied = 2;

/** 359.999999 becomes 360 as a 32-bit float, which no course is. */
const course = (degrees: number): number => (Math.fround(degrees) >= 360 ? 0 : degrees);

/** Reads the `.proto` files of the repository. Throws when they do not parse. */
export function loadPayloadEncoder(): PayloadEncoder {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoDirectory, target);
  root.loadSync(['mobility/telemetry/v1/vehicle_telemetry.proto', 'mobility/telemetry/v1/bay_occupancy.proto']);
  const telemetry = root.lookupType('mobility.telemetry.v1.VehicleTelemetry');
  const occupancy = root.lookupType('mobility.telemetry.v1.BayOccupancy');
  return {
    vehicle: ({ device, sequence, eventTimeMs }, vehicle) =>
      telemetry
        .encode({
          vehicleId: device.boundTo,
          bootId: device.bootId,
          sequence,
          eventTimeUs: Math.round(eventTimeMs * 1000),
          position: {
            latitudeDeg: vehicle.latitudeDeg,
            longitudeDeg: vehicle.longitudeDeg,
            altitudeM: vehicle.altitudeM,
            accuracyM: 3,
          },
          speedMps: vehicle.speedMps,
          // A course over ground needs motion.
          headingDeg: vehicle.speedMps > 0 ? course(vehicle.headingDeg) : undefined,
          batteryLevel: vehicle.batteryLevel,
          batteryVoltageV: vehicle.batteryVoltageV,
          odometerM: Math.floor(vehicle.odometerM),
          status: status[vehicle.state],
          faultCodes: vehicle.fault === undefined ? [] : [vehicle.fault],
        })
        .finish(),
    bay: ({ device, sequence, eventTimeMs }, bay) =>
      occupancy
        .encode({
          bayId: device.boundTo,
          bootId: device.bootId,
          sequence,
          eventTimeUs: Math.round(eventTimeMs * 1000),
          state: bay.occupied ? bayOccupied : bayFree,
          // Absent while the bay is free, and when the sensor cannot tell who stands there.
          vehicleId: bay.vehicleId || undefined,
        })
        .finish(),
  };
}

/** The MQTT topic on which a device reports. */
export const telemetryTopic = (device: Device): string =>
  device.kind === 'vehicle' ? `v1/vehicles/${device.boundTo}/telemetry` : `v1/bays/${device.boundTo}/events`;
