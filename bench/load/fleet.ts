import protobuf from 'protobufjs';
import type { Area } from '../fences.ts';
import { device, PublishFrame, telemetryTopic } from './frames.ts';

const protoRoot = new URL('../../proto/', import.meta.url);

/** The message type that the devices of the benchmark send. */
export const loadTelemetryType = async (): Promise<protobuf.Type> => {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => new URL(target, protoRoot).pathname;
  await root.load('mobility/telemetry/v1/vehicle_telemetry.proto');
  return root.lookupType('mobility.telemetry.v1.VehicleTelemetry');
};

/**
 * One frame per packet identifier of one connection: identifier `slot + 1` belongs to `slot` for ever, so that a frame
 * is not touched while its PUBLISH is unacknowledged. Every frame holds another position, speed and charge: what goes
 * to Kafka compresses like the telemetry of a fleet, not like one message repeated. A vehicle stays where it is but for
 * a hand's breadth from frame to frame, which at the dozens of reports a second that each one makes in a saturating load is the
 * speed of town traffic: it crosses the border of a fence now and then, not all the time.
 */
export const framesOf = (
  type: protobuf.Type,
  deviceIndex: number,
  inFlight: number,
  bootId: number,
): PublishFrame[] => {
  const { vehicleId } = device(deviceIndex);
  const topic = telemetryTopic(vehicleId);
  return Array.from({ length: inFlight }, (_, slot) => {
    return new PublishFrame(type, { vehicleId, bootId, ...fix(deviceIndex, slot, inFlight) }, topic, slot + 1);
  });
};

/** Where the vehicles are. */
export const loadArea: Area = { west: 13.1, south: 52.3, width: 0.6, height: 0.4 };
/** About 0.2 m: 15 m/s at 70 reports a second. */
const stepDeg = 0.000_002;

/** A believable fix, different for each vehicle and slot. All within the ranges that the contract allows. */
const fix = (vehicle: number, slot: number, inFlight: number): Record<string, unknown> => ({
  // Placeholders of the width that they will always have; overwritten before each sending.
  sequence: 1,
  eventTimeUs: Date.now() * 1000,
  position: {
    latitudeDeg: loadArea.south + ((vehicle * 7919) % 40_000) / 100_000 + slot * stepDeg,
    longitudeDeg: loadArea.west + ((vehicle * 104_729) % 60_000) / 100_000,
    altitudeM: 30 + ((vehicle + slot) % 50),
    accuracyM: 2 + ((vehicle + slot) % 8),
  },
  // Up to 54 km/h: a third of the fleet is fast enough for a sudden stop, which alerts must remember with each report.
  speedMps: (vehicle % 150) / 10 + (slot % 16) / 10,
  headingDeg: (vehicle * 37 + slot) % 360,
  batteryLevel: 0.2 + ((vehicle + slot) % 70) / 100,
  batteryVoltageV: 350 + ((vehicle + slot) % 50),
  odometerM: 100_000 + (vehicle * inFlight + slot) * 13,
  status: 2,
});
