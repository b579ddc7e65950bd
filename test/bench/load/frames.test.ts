import mqttPacket, { type Packet } from 'mqtt-packet';
import { beforeAll, describe, expect, it } from 'vitest';
import { framesOf, loadTelemetryType } from '../../../bench/load/fleet.ts';
import { connectFrame, device, type PublishFrame } from '../../../bench/load/frames.ts';

const decodeAll = (bytes: Buffer): Packet[] => {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on('packet', (packet: Packet) => packets.push(packet));
  parser.on('error', (error: Error) => expect.fail(error.message));
  expect(parser.parse(bytes)).toBe(0);
  return packets;
};

describe('a CONNECT of the load generator', () => {
  it('is MQTT 3.1.1 with the user name and password of the device', () => {
    const someDevice = device(7);
    expect(decodeAll(connectFrame(someDevice))).toMatchObject([
      {
        cmd: 'connect',
        protocolVersion: 4,
        clientId: someDevice.deviceId,
        username: someDevice.deviceId,
        password: Buffer.from(someDevice.secret),
        clean: true,
      },
    ]);
  });
});

describe('a PUBLISH of the load generator', () => {
  let type: Awaited<ReturnType<typeof loadTelemetryType>>;
  const bootId = 4_000_000_000;

  beforeAll(async () => {
    type = await loadTelemetryType();
  });

  const contents = (frame: PublishFrame) => {
    const [packet] = decodeAll(frame.bytes);
    if (packet?.cmd !== 'publish') throw new Error('not a PUBLISH');
    const payload = packet.payload as Buffer;
    return { packet, payload, fields: type.toObject(type.decode(payload), { longs: Number, defaults: true }) };
  };

  it('is QoS 1 on the topic of its vehicle, with a packet identifier of its own', () => {
    const packets = framesOf(type, 12, 4, bootId).map((frame) => contents(frame).packet);
    expect(packets.map(({ messageId }) => messageId)).toEqual([1, 2, 3, 4]);
    for (const packet of packets) {
      expect(packet).toMatchObject({ qos: 1, dup: false, retain: false, topic: 'v1/vehicles/V0012/telemetry' });
    }
  });

  it('holds a whole fix of 86 bytes', () => {
    const [frame] = framesOf(type, 12, 1, bootId);
    expect(frame?.payloadBytes).toBe(86);
    expect(contents(frame as PublishFrame).fields).toMatchObject({
      vehicleId: 'V0012',
      bootId,
      position: { latitudeDeg: expect.any(Number), longitudeDeg: expect.any(Number) },
      status: 2,
    });
  });

  it('carries the sequence and event time that it was stamped with, and nothing else changes', () => {
    const [frame] = framesOf(type, 3, 1, bootId) as [PublishFrame];
    const before = contents(frame).fields;
    const eventTimeMs = Date.UTC(2026, 1, 28, 23, 59, 59, 999);
    frame.stamp(4_294_967_295, eventTimeMs);
    expect(contents(frame).fields).toEqual({
      ...before,
      sequence: 4_294_967_295,
      eventTimeUs: eventTimeMs * 1000,
    });
    frame.stamp(1, eventTimeMs + 1);
    expect(contents(frame).fields).toEqual({ ...before, sequence: 1, eventTimeUs: (eventTimeMs + 1) * 1000 });
  });

  it('differs between the vehicles of the fleet, as their telemetry does', () => {
    const positions = [0, 1, 2, 3].flatMap((index) =>
      framesOf(type, index, 4, bootId).map((frame) => JSON.stringify(contents(frame).fields.position)),
    );
    expect(new Set(positions).size).toBe(positions.length);
  });
});
