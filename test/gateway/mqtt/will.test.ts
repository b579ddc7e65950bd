import { describe, expect, it } from 'vitest';
import { type ConnectFields, dial, type Edge, join, type RawClient, startEdge, until } from './support.ts';

const willOf = (properties: Record<string, unknown> = {}) => ({
  will: { topic: 'v1/vehicles/v1/telemetry', payload: Buffer.from('gone'), qos: 1, retain: false, properties },
});

async function drop(edge: Edge, client: RawClient): Promise<void> {
  client.socket.destroy();
  await until(() => edge.server.connections === 0, 'the connection to be gone');
}

const wills = (edge: Edge) => edge.received.map(({ payload }) => Buffer.from(payload).toString());

describe.each([4, 5] as const)('a will in version %i', (version) => {
  const fields: ConnectFields = { version, ...willOf() };

  it('is published with the identity of the connection when the connection breaks', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, { ...fields, username: 'device-1', password: 'x' }));
    expect(wills(edge)).toEqual(['gone']);
    expect(edge.received[0]).toMatchObject({
      topic: 'v1/vehicles/v1/telemetry',
      qos: 1,
      identity: { deviceId: 'device-1' },
    });
    edge.settle(0);
    expect(edge.seen.of('willPublished')).toHaveLength(1);
  });

  it('is discarded by DISCONNECT', async () => {
    const edge = await startEdge();
    const client = await join(edge, fields);
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    await client.end();
    expect(wills(edge)).toEqual([]);
  });

  it('is published after a violation', async () => {
    const edge = await startEdge();
    const client = await join(edge, fields);
    client.write(Buffer.from([0xc1, 0x00]));
    await client.end();
    expect(wills(edge)).toEqual(['gone']);
  });

  it('is published when the keep-alive runs out', async () => {
    const edge = await startEdge();
    const client = await join(edge, fields);
    edge.pass(92_000);
    await client.end();
    expect(wills(edge)).toEqual(['gone']);
  });

  it('is published when another connection takes the session over', async () => {
    const edge = await startEdge();
    await join(edge, fields);
    await join(edge, { version });
    expect(wills(edge)).toEqual(['gone']);
  });

  it('whose topic the device may not publish to refuses the CONNECT', async () => {
    const edge = await startEdge({ mayPublish: () => false });
    const client = dial(edge, fields);
    expect(await client.next()).toMatchObject(version === 5 ? { reasonCode: 0x87 } : { returnCode: 5 });
    await client.end();
    expect(edge.server.sessions).toBe(0);
  });

  it('is not published when the server shuts down', async () => {
    const edge = await startEdge();
    const client = await join(edge, fields);
    edge.server.dismissAll();
    await client.end();
    expect(wills(edge)).toEqual([]);
  });

  it('waits while the gateway is full', async () => {
    const edge = await startEdge();
    const client = await join(edge, fields);
    client.socket.destroy();
    await until(() => edge.server.connections === 0, 'the connection to be gone');
    expect(wills(edge)).toEqual(['gone']);
    const second = await join(edge, fields);
    edge.server.setPressure(2);
    edge.pass(1_000);
    second.write(Buffer.alloc(8192, Buffer.from([0xc0, 0])));
    await until(() => edge.server.cutOffHeaviest(1) === 1, 'the connection to be cut off');
    expect(edge.server.pendingWills).toBe(1);
    edge.server.setPressure(1);
    edge.pass(1_000);
    expect(wills(edge)).toEqual(['gone', 'gone']);
  });
});

describe('a will in MQTT 5', () => {
  const persistent = { clean: false, properties: { sessionExpiryInterval: 600 }, ...willOf({ willDelayInterval: 30 }) };

  it('is published after DISCONNECT with 0x04', async () => {
    const edge = await startEdge();
    const client = await join(edge, willOf());
    client.send({ cmd: 'disconnect', reasonCode: 4 });
    await client.end();
    expect(wills(edge)).toEqual(['gone']);
  });

  it('waits for its delay', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, persistent));
    edge.pass(29_000);
    expect(wills(edge)).toEqual([]);
    edge.pass(2_000);
    expect(wills(edge)).toEqual(['gone']);
  });

  it('is withdrawn when the session is taken up again before its delay is over', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, persistent));
    edge.pass(20_000);
    await join(edge, { ...persistent, will: undefined });
    edge.pass(20_000);
    expect(wills(edge)).toEqual([]);
    expect(edge.server.pendingWills).toBe(0);
  });

  it('does not wait longer than the session lives', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, { ...persistent, properties: { sessionExpiryInterval: 10 } }));
    edge.pass(11_000);
    expect(wills(edge)).toEqual(['gone']);
  });

  it('is published at once when a clean start ends the session', async () => {
    const edge = await startEdge();
    await drop(edge, await join(edge, persistent));
    await join(edge, { clean: true });
    expect(wills(edge)).toEqual(['gone']);
  });

  it('carries its user properties and correlation data', async () => {
    const edge = await startEdge();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';
    const properties = { userProperties: { traceparent }, correlationData: Buffer.from('c') };
    await drop(edge, await join(edge, willOf(properties)));
    expect(edge.received[0]).toMatchObject({ traceparent, correlationId: 'c' });
  });
});
