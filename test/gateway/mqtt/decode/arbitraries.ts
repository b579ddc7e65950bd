import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';

/** Packets that a client may send, as mqtt-packet takes them: the oracle writes, our decoder reads. */

export const text = (minLength = 0) =>
  fc.string({ unit: 'binary', minLength, maxLength: 40 }).map((value) => value.replaceAll('\0', '0'));
export const topic = text(1).map((value) => value.replaceAll(/[+#]/g, '/'));
export const binary = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
export const packetId = fc.integer({ min: 1, max: 65_535 });
export const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
const uint16 = fc.integer({ min: 1, max: 65_535 });
const uint32 = fc.integer({ min: 1, max: 4_294_967_295 });

const userProperties = fc.dictionary(
  text(1).filter((name) => !(name in {})),
  fc.oneof(text(), fc.array(text(), { minLength: 1, maxLength: 3 })),
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
);

/** Any subset of the properties. */
const properties = <Shape extends Record<string, fc.Arbitrary<unknown>>>(shape: Shape) =>
  fc.record({ ...shape, userProperties }, { requiredKeys: [], noNullPrototype: true });

const message = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: uint32,
  contentType: text(),
  responseTopic: topic,
  correlationData: binary,
};

const will = fc.record({
  topic,
  payload: binary,
  qos,
  retain: fc.boolean(),
  properties: properties({ ...message, willDelayInterval: uint32 }),
});

export const connectPacket = (version: 4 | 5): fc.Arbitrary<Packet> =>
  fc
    .record({
      clientId: text(1),
      clean: fc.boolean(),
      keepalive: fc.integer({ min: 0, max: 65_535 }),
      will: fc.option(will, { nil: undefined }),
      login: fc.option(fc.record({ username: text(1), password: binary.filter((bytes) => bytes.length > 0) }), {
        nil: undefined,
      }),
      properties: properties({
        sessionExpiryInterval: uint32,
        receiveMaximum: uint16,
        maximumPacketSize: uint32,
        topicAliasMaximum: uint16,
        requestResponseInformation: fc.boolean(),
        requestProblemInformation: fc.boolean(),
        authenticationMethod: text(1),
      }),
    })
    .map(
      ({ login, ...rest }) =>
        ({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, ...rest, ...login }) as Packet,
    );

export const publishPacket: fc.Arbitrary<Packet> = fc
  .record({
    topic,
    payload: binary,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    messageId: packetId,
    properties: properties({ ...message, topicAlias: uint16 }),
  })
  .map((fields) => ({ cmd: 'publish', ...fields, dup: fields.dup && fields.qos > 0 }) as Packet);

export const acknowledgementPacket: fc.Arbitrary<Packet> = fc
  .record({
    cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'),
    messageId: packetId,
    refused: fc.boolean(),
    properties: fc.option(properties({ reasonString: text() }), { nil: undefined }),
  })
  .map(({ refused, ...rest }) => {
    const refusal = rest.cmd === 'puback' || rest.cmd === 'pubrec' ? 0x87 : 0x92;
    return { ...rest, reasonCode: refused ? refusal : 0 } as Packet;
  });

export const subscribePacket: fc.Arbitrary<Packet> = fc
  .record({
    messageId: packetId,
    subscriptions: fc.array(
      fc.record({ topic: text(1), qos, nl: fc.boolean(), rap: fc.boolean(), rh: fc.constantFrom(0, 1, 2) }),
      { minLength: 1, maxLength: 4 },
    ),
    properties: properties({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }) }),
  })
  .map((fields) => ({ cmd: 'subscribe', ...fields }) as Packet);

export const unsubscribePacket: fc.Arbitrary<Packet> = fc
  .record({
    messageId: packetId,
    unsubscriptions: fc.array(text(1), { minLength: 1, maxLength: 4 }),
    properties: properties({}),
  })
  .map((fields) => ({ cmd: 'unsubscribe', ...fields }) as Packet);

export const disconnectPacket: fc.Arbitrary<Packet> = fc
  .record({
    reasonCode: fc.constantFrom(0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99),
    properties: properties({ sessionExpiryInterval: uint32, reasonString: text() }),
  })
  .map((fields) => ({ cmd: 'disconnect', ...fields }) as Packet);

export const authPacket: fc.Arbitrary<Packet> = fc
  .record({
    reasonCode: fc.constantFrom(0x18, 0x19),
    properties: properties({ authenticationMethod: text(1), authenticationData: binary, reasonString: text() }),
  })
  .map((fields) => ({ cmd: 'auth', ...fields }) as Packet);

export const anyPacket = (version: 4 | 5): fc.Arbitrary<Packet> =>
  fc.oneof(
    connectPacket(version),
    publishPacket,
    acknowledgementPacket,
    subscribePacket,
    unsubscribePacket,
    version === 5 ? disconnectPacket : fc.constant({ cmd: 'disconnect' } as Packet),
    fc.constant({ cmd: 'pingreq' } as Packet),
    ...(version === 5 ? [authPacket] : []),
  );
