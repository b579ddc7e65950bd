import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../gateway/core/identity.ts';
import { type Edge, join, type RawClient, startEdge, until } from './support.ts';

const topic = 'v1/vehicles/v1/telemetry';
const will = { topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} };

const row = (deviceId: string, changes: Partial<Identity> = {}): Identity => ({
  deviceId,
  kind: 'vehicle',
  boundTo: 'v1',
  ...changes,
});

/** An edge where each device is what the test says that it is. */
const scene = async () => {
  const rows = new Map<string, Identity>(['a', 'b'].map((id) => [id, row(id)]));
  const edge = await startEdge({
    authenticate: async ({ username = '' }) => {
      const identity = rows.get(username);
      return identity === undefined ? { refused: 'bad_credentials' } : { identity };
    },
    mayPublish: (identity, wanted) => wanted.startsWith(`v1/vehicles/${identity.boundTo}/`),
  });
  const connect = (deviceId: string, fields: object = {}) =>
    join(edge, { clientId: deviceId, username: deviceId, password: 'x', ...fields });
  /** The registry holds this of a device from now on; undefined: it is disabled or gone. */
  const change = (deviceId: string, identity: Identity | undefined): number => {
    if (identity === undefined) rows.delete(deviceId);
    else rows.set(deviceId, identity);
    return edge.server.useDevices(new Map([[deviceId, identity]]));
  };
  return { edge, connect, change, rows };
};

const lasting = { clean: false, properties: { sessionExpiryInterval: 3600 } };

const drop = async (edge: Edge, client: RawClient): Promise<void> => {
  client.socket.destroy();
  await until(() => edge.server.connections === 0, 'the connection to be gone');
};

const presentAgain = async (client: Promise<RawClient>, edge: Edge): Promise<unknown> => {
  await client;
  return edge.seen.of('connectionOpened').at(-1)?.[1];
};

describe('a device that is disabled or removed', () => {
  it('is told 0x98 and disconnected, and no other', async () => {
    const { edge, connect, change } = await scene();
    const [a, b] = [await connect('a'), await connect('b')];
    expect(change('a', undefined)).toBe(1);
    expect(await a.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
    await a.end();
    await b.nothingSent();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['device_ended']);
  });

  it('of MQTT 3.1.1 is disconnected without a word', async () => {
    const { connect, change } = await scene();
    const a = await connect('a', { version: 4 });
    change('a', undefined);
    await a.end();
    expect(a.packets).toEqual([]);
  });

  it('leaves no session behind, and no will', async () => {
    const { edge, connect, change } = await scene();
    await connect('a', { ...lasting, will });
    change('a', undefined);
    expect(edge.server.sessions).toBe(0);
    expect(edge.received).toEqual([]);
    change('a', row('a', { revision: 2 }));
    expect(await presentAgain(connect('a', lasting), edge)).toBe(false);
  });

  it('loses the session that it left, and the will that waits with it', async () => {
    const { edge, connect, change } = await scene();
    const delayed = { ...will, properties: { willDelayInterval: 100 } };
    await drop(edge, await connect('a', { ...lasting, will: delayed }));
    expect([edge.server.sessionsAway, edge.server.pendingWills]).toEqual([1, 1]);
    change('a', undefined);
    expect([edge.server.sessionsAway, edge.server.pendingWills]).toEqual([0, 0]);
    edge.pass(200_000);
    expect(edge.received).toEqual([]);
  });

  it('loses the will that waits for less pressure, also when its session has ended', async () => {
    const { edge, connect, change } = await scene();
    const a = await connect('a', { will });
    edge.server.setPressure(2);
    edge.pass(1000);
    a.write(Buffer.alloc(8192, Buffer.from([0xc0, 0])));
    await until(() => edge.server.cutOffHeaviest(1) === 1, 'the connection to be cut off');
    expect([edge.server.sessions, edge.server.pendingWills]).toEqual([0, 1]);
    expect([...edge.server.devices]).toEqual(['a']);
    change('a', undefined);
    edge.server.setPressure(0);
    edge.pass(1000);
    expect([edge.server.pendingWills, edge.received]).toEqual([0, []]);
    expect(edge.seen.of('willWithdrawn')).toHaveLength(1);
  });

  it('is answered what was settled before', async () => {
    const { edge, connect, change } = await scene();
    const a = await connect('a');
    a.publish(1);
    await edge.taken(1);
    edge.settle(0);
    change('a', undefined);
    expect(await a.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await a.next()).toMatchObject({ cmd: 'disconnect' });
  });
});

describe('a device whose row has changed', () => {
  it('is told 0x87 and disconnected; its session and its will are its own when it may still do the same', async () => {
    const { edge, connect, change } = await scene();
    const a = await connect('a', { ...lasting, will });
    expect(change('a', row('a', { revision: 7 }))).toBe(1);
    expect(await a.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
    expect(edge.received.map(({ topic: published }) => published)).toEqual([topic]);
    expect(await presentAgain(connect('a', lasting), edge)).toBe(true);
  });

  it.each([
    ['is bound to another vehicle', { boundTo: 'v2' }, 0],
    ['is of another kind', { kind: 'bay' as const }, 1],
    ['is in other groups', { groups: ['night'] }, 1],
  ])('and that %s gets a new session, and its will if it may still leave it', async (_what, changes, wills) => {
    const { edge, connect, change } = await scene();
    await connect('a', { ...lasting, will });
    change('a', row('a', { revision: 8, ...changes }));
    expect(edge.server.sessions).toBe(0);
    expect(edge.received).toHaveLength(wills);
    expect(await presentAgain(connect('a', lasting), edge)).toBe(false);
  });

  it('while it was away gets a new session when it comes back as something else', async () => {
    const { edge, connect, change } = await scene();
    await drop(edge, await connect('a', lasting));
    change('a', row('a', { revision: 9, groups: ['night'] }));
    expect(edge.server.sessionsAway).toBe(0);
  });

  it('gets a new session also when it comes back before the change is told', async () => {
    const { edge, connect, rows } = await scene();
    await drop(edge, await connect('a', lasting));
    rows.set('a', row('a', { revision: 9, boundTo: 'v2' }));
    expect(await presentAgain(connect('a', lasting), edge)).toBe(false);
  });
});

describe('a device whose row is as it was', () => {
  it('is left alone, however often it is looked at', async () => {
    const { edge, connect, change } = await scene();
    change('a', row('a', { revision: 3 }));
    const a = await connect('a', lasting);
    expect(change('a', row('a', { revision: 3 }))).toBe(0);
    await a.nothingSent();
    await drop(edge, a);
    change('a', row('a', { revision: 3 }));
    expect(edge.server.sessionsAway).toBe(1);
  });
});

describe('the devices that are served', () => {
  it('are those with a connection or a session, without those that only call themselves so', async () => {
    const edge = await startEdge({
      authenticate: async ({ username = '', clientId }) => ({
        identity: username === '' ? { deviceId: clientId, kind: 'anonymous', boundTo: '' } : row(username),
      }),
    });
    await drop(edge, await join(edge, { clientId: 'away', username: 'away', password: 'x', ...lasting }));
    const b = await join(edge, { clientId: 'b', username: 'b', password: 'x' });
    const stranger = await join(edge, { clientId: 'c' });
    expect([...edge.server.devices].sort()).toEqual(['away', 'b']);
    expect(edge.server.useDevices(new Map([['c', undefined]]))).toBe(0);
    await Promise.all([b.nothingSent(), stranger.nothingSent()]);
  });
});
