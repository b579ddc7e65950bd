import type { Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { delivered, rejected, unanswered } from '../../../gateway/core/outcome.ts';
import { join, startEdge, until } from './support.ts';

const rejection = (reason: 'malformed_payload' | 'not_authorized' | 'no_route' | 'too_large' | 'refused_by_kafka') =>
  rejected({ reason, detail: `because of ${reason}` });

describe.each([4, 5] as const)('QoS 1 in version %i', (version) => {
  it('withholds PUBACK until the publish is settled', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(7);
    await edge.taken(1);
    await client.nothingSent();
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 7 });
  });

  it('hands on topic, payload, identity and time of receipt', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version, username: 'device-1', password: 'secret' });
    client.publish(7);
    await edge.taken(1);
    const [publish] = edge.received;
    expect(publish?.topic).toBe('v1/vehicles/v1/telemetry');
    expect(Buffer.from(publish?.payload ?? []).toString()).toBe('m7');
    expect(publish?.identity).toEqual({ deviceId: 'device-1', kind: 'vehicle', boundTo: 'v1' });
    expect(publish?.receivedAtMs).toBe(1_700_000_000_000);
    expect(publish?.qos).toBe(1);
  });

  it('answers in the order of arrival, whatever the order of settlement', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    for (const id of [11, 12, 13]) client.publish(id);
    await edge.taken(3);
    edge.settle(2);
    edge.settle(1);
    await client.nothingSent();
    edge.settle(0);
    const ids = [await client.next(), await client.next(), await client.next()].map((packet) => packet.messageId);
    expect(ids).toEqual([11, 12, 13]);
  });

  it('answers nothing behind a publish that is left unanswered', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    for (const id of [1, 2]) client.publish(id);
    await edge.taken(2);
    edge.settle(0, unanswered);
    edge.settle(1);
    await client.nothingSent();
  });

  it('absorbs a resend while the answer is owed, and answers once', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(5);
    client.publish(5, 1, { dup: true });
    await client.nothingSent();
    expect(edge.received).toHaveLength(1);
    expect(edge.seen.of('resendAbsorbed')).toEqual([[1]]);
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 5 });
    await client.nothingSent();
  });

  it('refuses another publish under an identifier that is in flight', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(5);
    client.publish(5);
    await client.end();
    expect(edge.received).toHaveLength(1);
    expect(edge.seen.of('protocolViolation')).toHaveLength(1);
  });

  it('does not give the answer of a connection to its successor', async () => {
    const edge = await startEdge();
    const first = await join(edge, { version, clean: false, properties: { sessionExpiryInterval: 60 } });
    first.publish(9);
    await edge.taken(1);
    first.socket.destroy();
    await until(() => edge.server.sockets === 0, 'the socket to be gone');
    const second = await join(edge, { version, clean: false, properties: { sessionExpiryInterval: 60 } });
    edge.settle(0);
    await second.nothingSent();
    second.publish(9, 1, { dup: true });
    await edge.taken(2);
    edge.settle(1);
    expect(await second.next()).toMatchObject({ cmd: 'puback', messageId: 9 });
  });
});

describe('QoS 0', () => {
  it('is handed on and never answered', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(0, 0);
    await edge.taken(1);
    edge.settle(0);
    await client.nothingSent();
  });
});

describe('a rejected publish', () => {
  it.each([
    ['malformed_payload', 0x99],
    ['not_authorized', 0x87],
    ['no_route', 0x90],
    ['too_large', 0x97],
    ['refused_by_kafka', 0x83],
  ] as const)('%s is answered in MQTT 5 with its reason code and a reason string', async (reason, reasonCode) => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(1);
    await edge.taken(1);
    edge.settle(0, rejection(reason));
    const properties = { reasonString: `because of ${reason}` };
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode, properties });
  });

  it('is answered in MQTT 3.1.1 with a plain PUBACK', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version: 4 });
    client.publish(1);
    await edge.taken(1);
    edge.settle(0, rejection('malformed_payload'));
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, length: 2 });
  });

  it.each<[string, Record<string, unknown>]>([
    ['the client wants no problem information', { requestProblemInformation: false }],
    ['it does not fit the maximum packet size of the client', { maximumPacketSize: 80 }],
  ])('has no reason string when %s', async (_when, properties) => {
    const edge = await startEdge();
    const client = await join(edge, { properties });
    client.publish(1);
    await edge.taken(1);
    edge.settle(0, rejected({ reason: 'invalid_field', detail: 'x'.repeat(200) }));
    const puback = await client.next();
    expect(puback).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x99 });
    expect((puback as { properties?: object }).properties).toBeUndefined();
  });
});

describe('receive maximum', () => {
  const limits = { receiveMaximum: 2, maxInFlightPerConnection: 2 };

  it('is announced, and a client of MQTT 5 that exceeds it is disconnected with 0x93', async () => {
    const edge = await startEdge({ limits });
    const client = await join(edge);
    for (const id of [1, 2, 3]) client.publish(id);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
    expect(edge.received).toHaveLength(2);
  });

  it('counts what is answered no longer', async () => {
    const edge = await startEdge({ limits });
    const client = await join(edge);
    for (let id = 1; id <= 6; id += 1) {
      client.publish(id, id % 2 === 0 ? 2 : 1);
      await edge.taken(id);
      edge.settle(id - 1);
      expect(await client.next()).toMatchObject({ messageId: id });
      if (id % 2 === 1) continue;
      client.send({ cmd: 'pubrel', messageId: id });
      expect(await client.next()).toMatchObject({ cmd: 'pubcomp' });
    }
  });

  it('may be as large as MQTT has identifiers, without searching all of them for each publish', async () => {
    const most = 65_535;
    const edge = await startEdge({ limits: { receiveMaximum: most } });
    const client = await join(edge);
    for (let id = 1; id <= most; id += 1) client.publish(id);
    await edge.taken(most);
    client.publish(most, 1, { dup: true });
    client.publish(1, 1, { dup: true });
    await client.nothingSent();
    expect(edge.seen.of('resendAbsorbed')).toHaveLength(2);
    for (const publish of edge.received) publish.answer(delivered);
    await until(() => client.packets.length === most, 'every PUBACK');
    client.publish(1);
    await edge.taken(most + 1);
  });

  it('stops reading a client of MQTT 3.1.1 instead, until answers have gone out', async () => {
    const edge = await startEdge({ limits });
    const client = await join(edge, { version: 4 });
    for (const id of [1, 2, 3, 4]) client.publish(id);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(edge.received).toHaveLength(2);
    edge.settle(0);
    await edge.taken(3);
    edge.settle(1);
    await edge.taken(4);
    expect(edge.received).toHaveLength(4);
  });
});

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';

describe('properties of PUBLISH', () => {
  const send = async (packet: Record<string, unknown>) => {
    const edge = await startEdge();
    const client = await join(edge);
    return {
      edge,
      client,
      publish: (more: Record<string, unknown> = {}) => client.publish(1, 0, { ...packet, ...more }),
    };
  };

  it('carry content type, traceparent and correlation data on', async () => {
    const properties = {
      userProperties: { other: 'x', traceparent },
      correlationData: Buffer.from('order 7'),
      contentType: 'application/x-protobuf',
      messageExpiryInterval: 10,
      payloadFormatIndicator: false,
      responseTopic: 'answers',
    };
    const { edge, publish } = await send({ properties });
    publish();
    await edge.taken(1);
    expect(edge.received[0]).toMatchObject({
      contentType: 'application/x-protobuf',
      traceparent,
      correlationId: 'order 7',
    });
  });

  it.each([
    ['of no known form', 'x'.repeat(55)],
    ['of zeros', '00-00000000000000000000000000000000-b9c7c989f97918e1-01'],
    ['of the forbidden version', traceparent.replace('00-', 'ff-')],
    ['longer than any version has', `${traceparent}-${'x'.repeat(60_000)}`],
  ])('leave a traceparent %s out', async (_, value) => {
    const { edge, publish } = await send({ properties: { userProperties: { traceparent: value } } });
    publish();
    await edge.taken(1);
    expect(edge.received[0]?.traceparent).toBeUndefined();
  });

  it('take a traceparent of a later version, which may have more fields', async () => {
    const later = `${traceparent.replace('00-', '01-')}-more`;
    const { edge, publish } = await send({ properties: { userProperties: { traceparent: later } } });
    publish();
    await edge.taken(1);
    expect(edge.received[0]?.traceparent).toBe(later);
  });

  it('leave correlation data of more than 256 bytes out', async () => {
    const { edge, publish } = await send({ properties: { correlationData: Buffer.alloc(257, 0x61) } });
    publish();
    await edge.taken(1);
    expect(edge.received[0]?.correlationId).toBeUndefined();
  });

  it('write correlation data that is not text as hex', async () => {
    const { edge, publish } = await send({ properties: { correlationData: Buffer.from([0xff, 0x01]) } });
    publish();
    await edge.taken(1);
    expect(edge.received[0]?.correlationId).toBe('ff01');
  });

  it('resolve a topic alias, and set it anew', async () => {
    const { edge, client, publish } = await send({ properties: { topicAlias: 3 } });
    publish({ topic: 'one' });
    publish({ topic: '' });
    publish({ topic: 'two' });
    publish({ topic: '' });
    await client.nothingSent();
    expect(edge.received.map(({ topic }) => topic)).toEqual(['one', 'one', 'two', 'two']);
  });
});

describe('the topic memory of a connection', () => {
  it('tells topics apart that differ in one byte or in length', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    const topics = ['a/b', 'a/b', 'a/c', 'a/cc', 'ä', 'a/b'];
    for (const topic of topics) client.publish(1, 0, { topic });
    await client.nothingSent();
    expect(edge.received.map(({ topic }) => topic)).toEqual(topics);
  });
});

describe('answers', () => {
  it('of many publishes reach the device in one piece per turn', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    for (let id = 1; id <= 50; id += 1) client.publish(id);
    await edge.taken(50);
    let chunks = 0;
    client.socket.on('data', () => {
      chunks += 1;
    });
    for (let i = 0; i < 50; i += 1) edge.settle(i);
    const acknowledged: Packet[] = [];
    while (acknowledged.length < 50) acknowledged.push(await client.next());
    expect(chunks).toBe(1);
  });

  it('that a device does not read close its connection, and no other', async () => {
    const edge = await startEdge({ limits: { maxOutgoingBytes: 4_096 } });
    const client = await join(edge);
    const other = await join(edge, { clientId: 'other' });
    client.socket.pause();
    const pings = Buffer.alloc(60_000, Buffer.from([0xc0, 0x00]));
    const flood = () => {
      if (!client.closed) client.socket.write(pings, () => setImmediate(flood));
    };
    flood();
    await until(() => edge.seen.of('connectionClosed').length > 0, 'the slow reader to be cut off');
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['slow_reader']);
    await other.nothingSent();
  });
});
