import protobuf from 'protobufjs';
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
 * to Kafka compresses like the telemetry of a fleet, not like one message repeated.
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
    const turn = deviceIndex * inFlight + slot;
    return new PublishFrame(type, { vehicleId, bootId, ...fix(turn) }, topic, slot + 1);
  });
};

/** A believable fix, different for each `turn`. All within the ranges that the contract allows. */
const fix = (turn: number): Record<string, unknown> => ({
  // Placeholders of the width that they will always have; overwritten before each sending.
  sequence: 1,
  eventTimeUs: Date.now() * 1000,
  position: {
    latitudeDeg: 52.3 + ((turn * 7919) % 40_000) / 100_000,
    longitudeDeg: 13.1 + ((turn * 104_729) % 60_000) / 100_000,
    altitudeM: 30 + (turn % 50),
    accuracyM: 2 + (turn % 8),
  },
  speedMps: (turn % 300) / 10,
  headingDeg: (turn * 37) % 360,
  batteryLevel: 0.2 + (turn % 70) / 100,
  batteryVoltageV: 350 + (turn % 50),
  odometerM: 100_000 + turn * 13,
  status: 2,
});
