import { describe, expect, it } from 'vitest';
import type { AuthResult } from '../../../gateway/mqtt/context.ts';
import { type ConnectFields, dial, type Edge, join, type RawClient, startEdge, until } from './support.ts';

async function drop(edge: Edge, client: RawClient): Promise<void> {
  client.socket.destroy();
  await until(() => edge.server.connections === 0, 'the connection to be gone');
}

/** Connects and returns what CONNACK says. */
async function connack(edge: Edge, fields: ConnectFields) {
  const client = dial(edge, fields);
  const packet = await client.next();
  if (packet.cmd !== 'connack') throw new Error(packet.cmd);
  return { client, packet };
}

describe('CONNACK', () => {
  it('announces in MQTT 5 what is granted and what is not offered', async () => {
    const edge = await startEdge();
    const { packet } = await connack(edge, {});
    expect(packet).toMatchObject({ reasonCode: 0, sessionPresent: false });
    expect(packet.properties).toEqual({
      receiveMaximum: 64,
      maximumPacketSize: 262_144,
      topicAliasMaximum: 16,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
    });
  });

  it.each([0, 5_000])('sets the keep-alive of a client of MQTT 5 that asks for %i seconds', async (keepalive) => {
    const edge = await startEdge();
    const { packet } = await connack(edge, { keepalive });
    expect(packet.properties?.serverKeepAlive).toBe(1_200);
  });

  it('assigns a client identifier, of its own to each', async () => {
    const edge = await startEdge();
    const first = await connack(edge, { clientId: '' });
    const second = await connack(edge, { clientId: '' });
    expect(first.packet.properties?.assignedClientIdentifier).toMatch(/^auto-[0-9a-f]{24}$/);
    expect(second.packet.properties?.assignedClientIdentifier).not.toBe(
      first.packet.properties?.assignedClientIdentifier,
    );
    await connack(edge, { clientId: '', version: 4 });
    expect(edge.server.sessions).toBe(3);
  });

  it('lowers a session expiry above the limit', async () => {
    const edge = await startEdge({ limits: { maxSessionExpirySeconds: 100 } });
    const { packet } = await connack(edge, { properties: { sessionExpiryInterval: 4_294_967_295 } });
    expect(packet.properties?.sessionExpiryInterval).toBe(100);
  });

  it('fits the smallest maximum packet size that is taken', async () => {
    const edge = await startEdge({ limits: { maxSessionExpirySeconds: 100 } });
    const properties = { maximumPacketSize: 80, sessionExpiryInterval: 500 };
    const { packet } = await connack(edge, { clientId: '', keepalive: 0, properties });
    expect(packet.reasonCode).toBe(0);
    expect((packet.length ?? 0) + 2).toBeLessThanOrEqual(80);
  });

  it('refuses a client identifier that is too long', async () => {
    const edge = await startEdge();
    const { packet } = await connack(edge, { clientId: 'x'.repeat(257) });
    expect(packet.reasonCode).toBe(0x85);
  });
});

describe('authentication', () => {
  it.each([
    ['bad_credentials', 0x86, 4],
    ['not_authorized', 0x87, 5],
    ['server_unavailable', 0x88, 3],
    ['server_busy', 0x89, 3],
  ] as const)('refused as %s is answered in both versions', async (refused, reasonCode, returnCode) => {
    const edge = await startEdge({ authenticate: async () => ({ refused }) });
    const five = await connack(edge, {});
    expect(five.packet.reasonCode).toBe(reasonCode);
    const three = await connack(edge, { version: 4 });
    expect(three.packet.returnCode).toBe(returnCode);
    await three.client.end();
    expect(edge.server.sessions).toBe(0);
  });

  it('that fails with an error refuses as server unavailable', async () => {
    const edge = await startEdge({ authenticate: () => Promise.reject(new Error('planted')) });
    const { packet } = await connack(edge, {});
    expect(packet.reasonCode).toBe(0x88);
    expect(edge.seen.of('internalError')).toHaveLength(1);
  });

  it('gets listener, client identifier and credentials', async () => {
    const seen: unknown[] = [];
    const edge = await startEdge({
      authenticate: async (credentials) => {
        seen.push({ ...credentials, password: credentials.password?.toString() });
        return { refused: 'not_authorized' };
      },
    });
    await connack(edge, { username: 'device', password: 'secret' });
    expect(seen).toEqual([
      {
        listener: 'test',
        auth: 'registry',
        accepts: 'secret',
        clientId: 'c1',
        clientIdAssigned: false,
        username: 'device',
        password: 'secret',
        certificate: undefined,
        certificateSuffices: false,
      },
    ]);
  });

  it('comes before everything that the client sends behind CONNECT', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<AuthResult>();
    const edge = await startEdge({
      authenticate: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const client = dial(edge);
    for (const id of [1, 2, 3]) client.publish(id);
    await asked.promise;
    expect(edge.received).toHaveLength(0);
    answer.resolve({ identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' } });
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    await edge.taken(3);
  });

  it('that takes too long refuses the CONNECT', async () => {
    const edge = await startEdge({ authenticate: () => new Promise(() => {}) });
    const client = dial(edge);
    await until(() => edge.server.sockets === 1, 'the socket');
    await until(() => {
      edge.pass(20_000);
      return client.packets.length > 0 || client.closed;
    }, 'the refusal');
    if (client.packets.length > 0) expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x88 });
  });
});

describe('too many connections', () => {
  it('are refused after CONNECT as server busy', async () => {
    const edge = await startEdge({ limits: { maxConnections: 1 } });
    await join(edge, { clientId: 'a' });
    const { packet } = await connack(edge, { clientId: 'b' });
    expect(packet.reasonCode).toBe(0x89);
    const three = await connack(edge, { clientId: 'b', version: 4 });
    expect(three.packet.returnCode).toBe(3);
  });
});

describe('a second connection with the same client identifier', () => {
  it('takes the session over also when there is no room for one more', async () => {
    const edge = await startEdge({ limits: { maxConnections: 1 } });
    const first = await join(edge);
    await join(edge);
    expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    expect(edge.server.connections).toBe(1);
  });

  it('takes the session over; the first is told 0x8E', async () => {
    const edge = await startEdge();
    const first = await join(edge);
    await join(edge);
    expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    await first.end();
    expect(edge.server.connections).toBe(1);
    expect(edge.server.sessions).toBe(1);
    expect(edge.seen.of('sessionTakenOver')).toHaveLength(1);
  });

  it('of another device leaves the first alone', async () => {
    const edge = await startEdge();
    const first = await join(edge, { username: 'a', password: 'x' });
    await join(edge, { username: 'b', password: 'x' });
    await first.nothingSent();
    expect(edge.server.sessions).toBe(2);
  });

  it('of an anonymous listener leaves a registered device of that name alone', async () => {
    const edge = await startEdge({
      authenticate: async ({ username, clientId }) => ({
        identity:
          username === undefined
            ? { deviceId: clientId, kind: 'anonymous', boundTo: '' }
            : { deviceId: username, kind: 'vehicle', boundTo: 'v1' },
      }),
    });
    const registered = await join(edge, { clientId: 'a', username: 'a', password: 'x' });
    await join(edge, { clientId: 'a' });
    await registered.nothingSent();
    expect(edge.server.sessions).toBe(2);
  });
});

describe.each([4, 5] as const)('a persistent session in version %i', (version) => {
  const fields = { version, clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) };
  const limits = { maxSessionExpirySeconds: 60 };

  it('is present after a reconnect, and ended by a clean start', async () => {
    const edge = await startEdge({ limits });
    await drop(edge, await join(edge, fields));
    expect(edge.server.sessionsAway).toBe(1);
    const again = await connack(edge, fields);
    expect(again.packet.sessionPresent).toBe(true);
    await drop(edge, again.client);
    const clean = await connack(edge, { ...fields, clean: true });
    expect(clean.packet.sessionPresent).toBe(false);
  });

  it('keeps subscriptions', async () => {
    const edge = await startEdge({ limits });
    const first = await join(edge, fields);
    const topic = 'v1/vehicles/v1/commands';
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] });
    await first.next();
    await drop(edge, first);
    const second = await join(edge, fields);
    second.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] });
    const unsuback = await second.next();
    expect(unsuback).toMatchObject(
      version === 5 ? { cmd: 'unsuback', granted: [0] } : { cmd: 'unsuback', messageId: 2 },
    );
  });

  it('expires when the device stays away', async () => {
    const edge = await startEdge({ limits });
    await drop(edge, await join(edge, fields));
    edge.pass(59_000);
    expect(edge.server.sessions).toBe(1);
    edge.pass(2_000);
    expect(edge.server.sessions).toBe(0);
    expect(edge.seen.of('sessionExpired')).toHaveLength(1);
  });
});

describe('a session', () => {
  it('without expiry ends with its connection', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, { clean: false }));
    expect(edge.server.sessions).toBe(0);
  });

  it('may get another expiry with DISCONNECT', async () => {
    const edge = await startEdge();
    const client = await join(edge, { properties: { sessionExpiryInterval: 60 } });
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await client.end();
    expect(edge.server.sessions).toBe(0);
  });

  it('that has been away longest makes room when the table is full', async () => {
    const edge = await startEdge({ limits: { maxSessions: 2 } });
    for (const clientId of ['a', 'b', 'c']) {
      await drop(edge, await join(edge, { clientId, properties: { sessionExpiryInterval: 60 } }));
    }
    expect(edge.server.sessions).toBe(2);
    expect(edge.seen.of('sessionEvicted')).toHaveLength(1);
    const { packet } = await connack(edge, { clientId: 'b', clean: false, properties: { sessionExpiryInterval: 60 } });
    expect(packet.sessionPresent).toBe(true);
  });
});

describe('SUBSCRIBE', () => {
  const own = 'v1/vehicles/v1/commands';
  const other = 'v1/vehicles/v2/commands';

  it('grants at most QoS 1, and refuses what the device may not read', async () => {
    const client = await join(await startEdge());
    const subscriptions = [
      { topic: own, qos: 2 as const },
      { topic: other, qos: 0 as const },
      { topic: own, qos: 0 as const },
      { topic: 'a+/b', qos: 0 as const },
    ];
    client.send({ cmd: 'subscribe', messageId: 4, subscriptions });
    expect(await client.next()).toMatchObject({ cmd: 'suback', messageId: 4, granted: [1, 0x87, 0, 0x8f] });
  });

  it('answers every refusal with 0x80 in MQTT 3.1.1', async () => {
    const client = await join(await startEdge(), { version: 4 });
    const topics = [own, other, '#', '$share/g/t', 'a+/b'];
    client.send({ cmd: 'subscribe', messageId: 4, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1, 0x80, 0x80, 0x80, 0x80] });
  });

  it('is bounded per session', async () => {
    const edge = await startEdge({ maySubscribe: () => true, limits: { maxSubscriptionsPerSession: 2 } });
    const client = await join(edge);
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: ['a', 'b', 'c', 'a'].map((topic) => ({ topic, qos: 0 })),
    });
    expect(await client.next()).toMatchObject({ granted: [0, 0, 0x97, 0] });
  });
});

describe('UNSUBSCRIBE', () => {
  it('says in MQTT 5 which subscriptions there were', async () => {
    const client = await join(await startEdge({ maySubscribe: () => true }));
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] });
    await client.next();
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', 'b'] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 2, granted: [0, 0x11] });
  });

  it('is answered in MQTT 3.1.1', async () => {
    const client = await join(await startEdge(), { version: 4 });
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a'] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 2 });
  });
});
