import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejected } from '../../../gateway/core/outcome.ts';
import { type Edge, startEdge, until } from './support.ts';

/** MQTT.js: a client that shares no code with this server's decoder. */
async function client(edge: Edge, options: IClientOptions): Promise<MqttClient> {
  const connected = await connectAsync({ host: '127.0.0.1', port: edge.port, reconnectPeriod: 0, ...options });
  onTestFinished(async () => {
    await connected.endAsync(true);
  });
  return connected;
}

const topic = 'v1/vehicles/v1/telemetry';

describe.each([4, 5] as const)('MQTT.js in version %i', (protocolVersion) => {
  const login = { protocolVersion, clientId: 'js', username: 'device', password: 'secret' };

  it('publishes at every QoS, and is acknowledged when the publish is settled', async () => {
    const edge = await startEdge();
    const device = await client(edge, login);
    await device.publishAsync(topic, 'zero', { qos: 0 });
    const one = device.publishAsync(topic, 'one', { qos: 1 });
    const two = device.publishAsync(topic, 'two', { qos: 2 });
    let acknowledged = 0;
    for (const publish of [one, two]) void publish.then(() => (acknowledged += 1));
    await edge.taken(3);
    expect(edge.received.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['zero', 'one', 'two']);
    expect(acknowledged).toBe(0);
    edge.settle(1);
    await one;
    edge.settle(2);
    await two;
  });

  it('subscribes to its commands and to nothing else', async () => {
    const edge = await startEdge();
    const device = await client(edge, login);
    const granted = await device.subscribeAsync('v1/vehicles/v1/commands', { qos: 2 });
    expect(granted).toMatchObject([{ topic: 'v1/vehicles/v1/commands', qos: 1 }]);
    await expect(device.subscribeAsync('v1/vehicles/v2/commands')).rejects.toThrow();
    await device.unsubscribeAsync('v1/vehicles/v1/commands');
  });

  it('is answered all that it sends after it has connected under pressure, though it minds no receive maximum', async () => {
    const edge = await startEdge({ limits: { receiveMaximumUnderPressure: 2, maxInFlightPerConnection: 2 } });
    edge.server.setPressure(1);
    const device = await client(edge, login);
    edge.server.setPressure(0);
    const answers = Array.from({ length: 10 }, (_, i) => device.publishAsync(topic, `m${i}`, { qos: 1 }));
    for (let index = 0; index < 10; index += 1) {
      await edge.taken(index + 1);
      edge.settle(index);
    }
    await Promise.all(answers);
    expect(edge.seen.of('protocolViolation')).toEqual([]);
  });

  it('sends again after a break what was not acknowledged', async () => {
    const edge = await startEdge();
    const device = await client(edge, {
      ...login,
      clean: false,
      reconnectPeriod: 10,
      properties: { sessionExpiryInterval: 60 },
    });
    const one = device.publishAsync(topic, 'one', { qos: 1 });
    const two = device.publishAsync(topic, 'two', { qos: 2 });
    await edge.taken(2);
    device.stream.destroy();
    await edge.taken(3);
    expect(edge.received[2]).toMatchObject({ qos: 1 });
    for (let i = 0; i < 3; i += 1) edge.settle(i);
    await Promise.all([one, two]);
    expect(edge.received).toHaveLength(3);
  });

  it('leaves a will', async () => {
    const edge = await startEdge();
    const device = await client(edge, {
      ...login,
      will: { topic, payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    device.stream.destroy();
    await edge.taken(1);
    expect(Buffer.from(edge.received[0]?.payload ?? []).toString()).toBe('gone');
  });

  it('is told why its CONNECT is refused', async () => {
    const edge = await startEdge({ authenticate: async () => ({ refused: 'bad_credentials' }) });
    await expect(client(edge, login)).rejects.toMatchObject({ code: protocolVersion === 5 ? 0x86 : 4 });
  });
});

describe('MQTT.js in version 5', () => {
  const login = { protocolVersion: 5 as const, clientId: 'js' };

  it.each(['malformed_payload', 'not_authorized', 'no_route', 'too_large', 'refused_by_kafka'] as const)(
    'understands the answer to a publish rejected as %s, and stays connected',
    async (reason) => {
      const edge = await startEdge();
      const device = await client(edge, login);
      const publish = device.publishAsync(topic, 'x', { qos: 1 });
      await edge.taken(1);
      edge.settle(0, rejected({ reason, detail: 'why' }));
      await expect(publish).rejects.toThrow();
      expect(device.connected).toBe(true);
    },
  );

  it('uses topic aliases', async () => {
    const edge = await startEdge();
    const device = await client(edge, { ...login, autoAssignTopicAlias: true });
    for (let i = 0; i < 5; i += 1) await device.publishAsync(topic, `${i}`, { qos: 0 });
    await edge.taken(5);
    expect(new Set(edge.received.map((publish) => publish.topic))).toEqual(new Set([topic]));
  });

  it('is told that the server shuts down', async () => {
    const edge = await startEdge();
    const device = await client(edge, login);
    const codes: (number | undefined)[] = [];
    device.on('disconnect', ({ reasonCode }) => codes.push(reasonCode));
    edge.server.dismissAll();
    await until(() => codes.length > 0, 'DISCONNECT');
    expect(codes).toEqual([0x8b]);
  });
});
