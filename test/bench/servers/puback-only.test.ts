import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPubackOnlyServer } from '../../../bench/servers/puback-only.ts';

describe('the server that only answers PUBACK', () => {
  const server = createPubackOnlyServer();

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  /** Sends `chunks` one after the other, each when the one before it is in the socket, and reads `expected` bytes. */
  const exchange = async (chunks: readonly Buffer[], expected: number): Promise<Buffer> => {
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
    try {
      for (const chunk of chunks) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
      let received = Buffer.alloc(0);
      if (expected === 0) return received;
      for await (const bytes of socket) {
        received = Buffer.concat([received, bytes as Buffer]);
        if (received.length >= expected) break;
      }
      return received;
    } finally {
      socket.destroy();
    }
  };

  const publish = (messageId: number, payloadBytes: number): Buffer =>
    mqttPacket.generate({
      cmd: 'publish',
      topic: 'v1/vehicles/V1/telemetry',
      payload: Buffer.alloc(payloadBytes),
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });

  it('accepts a CONNECT', async () => {
    const connect = mqttPacket.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: 'a',
      clean: true,
    });
    expect(await exchange([connect], 4)).toEqual(Buffer.from([0x20, 2, 0, 0]));
  });

  it('acknowledges every publish in order, however the bytes are cut', async () => {
    const publishes = fc.array(fc.record({ id: fc.integer({ min: 1, max: 65_535 }), payload: fc.nat(300) }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(
        publishes,
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }),
        async (packets, cuts) => {
          const bytes = Buffer.concat(packets.map(({ id, payload }) => publish(id, payload)));
          const chunks: Buffer[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            chunks.push(bytes.subarray(at, at + cut));
            at += cut;
          }
          const acks = Buffer.concat(packets.map(({ id }) => Buffer.from([0x40, 2, id >> 8, id & 0xff])));
          expect(await exchange(chunks, acks.length)).toEqual(acks);
        },
      ),
      { numRuns: 40 },
    );
  });
});
