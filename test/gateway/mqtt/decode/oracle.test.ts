import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { TopicMemory } from '../../../../gateway/mqtt/decode/publish.ts';
import {
  acknowledgementPacket,
  anyPacket,
  authPacket,
  connectPacket,
  disconnectPacket,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from './arbitraries.ts';
import { decode, flat } from './decode.ts';

type Fields = Record<string, unknown>;
const encoded = (packet: Packet, version: 4 | 5) => generate(packet, { protocolVersion: version });
const properties = (packet: Packet, version: 4 | 5) =>
  version === 5 ? flat((packet as unknown as Fields).properties as Fields) : {};

describe.each([4, 5] as const)('the decoder for version %i reads what mqtt-packet writes', (version) => {
  it('CONNECT', () => {
    fc.assert(
      fc.property(connectPacket(version), (packet) => {
        const wanted = packet as unknown as Fields;
        const will = wanted.will as Fields | undefined;
        const found = decode(encoded(packet, version), version) as Fields;
        expect(found).toMatchObject({
          version,
          clean: wanted.clean,
          keepAliveSeconds: wanted.keepalive,
          clientId: wanted.clientId,
        });
        expect([found.username, found.password]).toEqual([wanted.username, wanted.password]);
        expect(found.properties).toEqual(properties(packet, version));
        const willProperties = version === 5 ? flat(will?.properties as Fields) : {};
        expect(found.will).toEqual(will && { ...will, properties: willProperties });
      }),
    );
  });

  it('PUBLISH', () => {
    const topics = new TopicMemory();
    fc.assert(
      fc.property(publishPacket, (packet) => {
        const { cmd: _cmd, messageId, properties: _properties, ...wanted } = packet as unknown as Fields;
        expect(decode(encoded(packet, version), version, topics)).toEqual({
          ...wanted,
          packetId: wanted.qos === 0 ? 0 : messageId,
          properties: properties(packet, version),
        });
      }),
    );
  });

  it('PUBACK, PUBREC, PUBREL and PUBCOMP', () => {
    fc.assert(
      fc.property(acknowledgementPacket, (packet) => {
        const { messageId, reasonCode } = packet as unknown as Fields;
        const wanted = {
          packetId: messageId,
          reasonCode: version === 5 ? reasonCode : 0,
          properties: properties(packet, version),
        };
        expect(decode(encoded(packet, version), version)).toEqual(wanted);
      }),
    );
  });

  it('SUBSCRIBE', () => {
    fc.assert(
      fc.property(subscribePacket, (packet) => {
        const { messageId, subscriptions } = packet as unknown as { messageId: number; subscriptions: Fields[] };
        expect(decode(encoded(packet, version), version)).toEqual({
          packetId: messageId,
          properties: properties(packet, version),
          requests: subscriptions.map(({ topic, qos, nl, rap, rh }) => ({
            filter: topic,
            qos,
            noLocal: version === 5 && nl,
            retainAsPublished: version === 5 && rap,
            retainHandling: version === 5 ? rh : 0,
          })),
        });
      }),
    );
  });

  it('UNSUBSCRIBE', () => {
    fc.assert(
      fc.property(unsubscribePacket, (packet) => {
        const { messageId, unsubscriptions } = packet as unknown as Fields;
        const wanted = { packetId: messageId, properties: properties(packet, version), filters: unsubscriptions };
        expect(decode(encoded(packet, version), version)).toEqual(wanted);
      }),
    );
  });

  it('fails as a value, and never otherwise, when a valid packet is mutated', () => {
    const mutation = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyPacket(version), mutation, fc.nat(), (packet, changes, cut) => {
        const bytes = Buffer.from(encoded(packet, version));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        expect(decode(bytes, version)).toBeTypeOf('object');
        // A packet that is shorter than its content claims: the remaining length is made to fit.
        const body = bytes.subarray(2, 2 + (cut % 120));
        expect(decode(Buffer.concat([Buffer.from([bytes[0] as number, body.length]), body]), version)).toBeTypeOf(
          'object',
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('fails as a value, and never otherwise, on random bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 120 }), (first, body) => {
        expect(decode(Buffer.from([first, body.length, ...body]), version)).toBeTypeOf('object');
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every packet with bytes behind its end, and every truncated one', () => {
    const exact = fc.oneof(connectPacket(version), subscribePacket, unsubscribePacket);
    fc.assert(
      fc.property(exact, fc.nat(), (packet, cut) => {
        const bytes = encoded(packet, version);
        const start = (bytes[1] as number) < 128 ? 2 : 3;
        const body = bytes.subarray(start);
        const resized = (part: Buffer) =>
          Buffer.from([bytes[0] as number, (part.length % 128) | 128, part.length >> 7, ...part]);
        expect(decode(resized(body), version)).not.toHaveProperty('code');
        expect(decode(resized(Buffer.concat([body, Buffer.from([0xff])])), version)).toHaveProperty('code');
        const lastField = packet.cmd === 'connect' ? body.length : 1;
        expect(
          decode(resized(body.subarray(0, body.length - 1 - (cut % Math.min(lastField, 6)))), version),
        ).toHaveProperty('code');
      }),
    );
  });
});

describe('the decoder for version 5 reads what mqtt-packet writes', () => {
  it.each([
    ['DISCONNECT', disconnectPacket],
    ['AUTH', authPacket],
  ])('%s', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (packet) => {
        const { reasonCode } = packet as unknown as Fields;
        expect(decode(encoded(packet, 5), 5)).toEqual({ reasonCode, properties: properties(packet, 5) });
      }),
    );
  });
});
