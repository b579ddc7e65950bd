import mqttPacket from 'mqtt-packet';
import protobuf from 'protobufjs';

/** What one simulated device says of itself; the same for the load generator and for the registry's import. */
export interface Device {
  readonly deviceId: string;
  readonly vehicleId: string;
  readonly secret: string;
}

/** Device number `index` of the benchmark's fleet. */
export const device = (index: number): Device => {
  const number = String(index).padStart(4, '0');
  return { deviceId: `bench-${number}`, vehicleId: `V${number}`, secret: `bench-secret-${number}` };
};

export const telemetryTopic = (vehicleId: string): string => `v1/vehicles/${vehicleId}/telemetry`;

/** CONNECT of MQTT 3.1.1 with user name and password; keep-alive long enough that no run needs a PINGREQ. */
export const connectFrame = ({ deviceId, secret }: Device): Buffer =>
  mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: deviceId,
    clean: true,
    keepalive: 900,
    username: deviceId,
    password: Buffer.from(secret),
  });

const microsecondsPerMillisecond = 1000;
/** Splits a microsecond count into halves that bitwise operators can take. */
const low28 = 2 ** 28;
/** Any event time between the years 1987 and 4253 takes eight bytes as a varint, so it can be overwritten in place. */
const eventTimeBytes = 8;

/**
 * One QoS 1 PUBLISH with a whole vehicle fix, encoded once. Before each sending only packet identifier, sequence and
 * event time are overwritten in place: nothing is allocated or encoded while the clock runs.
 */
export class PublishFrame {
  readonly bytes: Buffer;
  /** Bytes of the Protobuf message in it. */
  readonly payloadBytes: number;
  readonly #sequenceAt: number;
  readonly #eventTimeAt: number;

  constructor(type: protobuf.Type, fix: Record<string, unknown>, topic: string, packetId: number) {
    const payload = Buffer.from(type.encode(type.fromObject(fix)).finish());
    this.bytes = mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload,
      qos: 1,
      messageId: packetId,
      dup: false,
      retain: false,
    });
    this.payloadBytes = payload.length;
    const payloadAt = this.bytes.length - payload.length;
    this.#sequenceAt = payloadAt + valueOffset(payload, type, 'sequence');
    this.#eventTimeAt = payloadAt + valueOffset(payload, type, 'eventTimeUs');
  }

  /** @param sequence below 2^32. @param eventTimeMs milliseconds since the epoch. */
  stamp(sequence: number, eventTimeMs: number): void {
    const { bytes } = this;
    bytes.writeUInt32LE(sequence, this.#sequenceAt);
    const eventTimeUs = eventTimeMs * microsecondsPerMillisecond;
    let half = eventTimeUs % low28;
    let at = this.#eventTimeAt;
    for (let index = 0; index < 4; index++) {
      bytes[at++] = (half & 0x7f) | 0x80;
      half >>>= 7;
    }
    half = Math.floor(eventTimeUs / low28);
    for (let index = 4; index < eventTimeBytes; index++) {
      bytes[at++] = (half & 0x7f) | (index < eventTimeBytes - 1 ? 0x80 : 0);
      half >>>= 7;
    }
  }
}

/** Where the value of a top-level field begins in an encoded message (behind its tag). */
const valueOffset = (payload: Uint8Array, type: protobuf.Type, field: string): number => {
  const id = type.fields[field]?.id;
  const reader = protobuf.Reader.create(payload);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === id) return reader.pos;
    reader.skipType(tag & 7);
  }
  throw new Error(`the encoded ${type.fullName} has no field ${field}`);
};
