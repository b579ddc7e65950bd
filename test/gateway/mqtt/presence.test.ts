import { describe, expect, it } from 'vitest';
import type { PresenceListener } from '../../../gateway/mqtt/observer.ts';
import { dial, type EdgeOptions, join, startEdge, until } from './support.ts';

/** An edge, and what it has told of devices that come and go. */
async function startWatched(options: EdgeOptions = {}) {
  const told: string[] = [];
  const presence: PresenceListener = {
    connected: ({ deviceId }, { clientId, version }, sessionPresent) =>
      told.push(`${deviceId} connected as ${clientId}, version ${version}${sessionPresent ? ', again' : ''}`),
    disconnected: ({ deviceId }, { clientId }, reason) => told.push(`${deviceId} as ${clientId}: ${reason}`),
    willPublished: ({ deviceId }) => told.push(`${deviceId} will`),
  };
  const edge = await startEdge({ ...options, presence });
  return { edge, told };
}

const device = { username: 'device-1', password: 'x' };
const will = {
  will: { topic: 'v1/vehicles/v1/telemetry', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} },
} as const;

describe.each([4, 5] as const)('in version %i, who watches devices come and go', (version) => {
  it('is told who came by which client, and that it said goodbye', async () => {
    const { edge, told } = await startWatched();
    const client = await join(edge, { ...device, version, clientId: 'c-1' });
    expect(told).toEqual([`device-1 connected as c-1, version ${version}`]);
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    await until(() => told.length === 2, 'the end to be told');
    expect(told[1]).toBe('device-1 as c-1: disconnected');
  });

  it('is told of a device that vanished before its will', async () => {
    const { edge, told } = await startWatched();
    const client = await join(edge, { ...device, ...will, version, clientId: 'c-1' });
    client.socket.destroy();
    await until(() => told.length === 3, 'the will to be told');
    expect(told.slice(1)).toEqual(['device-1 as c-1: network', 'device-1 will']);
  });

  it('is told that a connection was taken over before it hears of the one that did', async () => {
    const { edge, told } = await startWatched();
    await join(edge, { ...device, version, clientId: 'c-1' });
    await join(edge, { ...device, version, clientId: 'c-1' });
    expect(told.slice(1)).toEqual([
      'device-1 as c-1: session_taken_over',
      `device-1 connected as c-1, version ${version}`,
    ]);
  });

  it('hears nothing of connections that were never accepted', async () => {
    const { edge, told } = await startWatched({ authenticate: async () => ({ refused: 'bad_credentials' }) });
    const client = dial(edge, { version });
    await client.next();
    await until(() => edge.seen.of('connectionClosed').length === 1, 'the connection to be gone');
    expect(told).toEqual([]);
  });
});
