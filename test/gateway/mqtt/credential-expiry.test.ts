import { describe, expect, it } from 'vitest';
import { delivered } from '../../../gateway/core/outcome.ts';
import { dial, type EdgeOptions, join, startEdge } from './support.ts';

/** What the edge's wall clock shows. */
const nowMs = 1_700_000_000_000;

const expiringIn =
  (ms: number): NonNullable<EdgeOptions['authenticate']> =>
  async ({ username }) => ({
    identity: { deviceId: username ?? 'd', kind: 'vehicle', boundTo: 'v1' },
    expiresAtMs: nowMs + ms,
  });

describe('a connection whose credentials expire', () => {
  it.each([4, 5] as const)('is ended then, in version %i, and not before', async (version) => {
    const edge = await startEdge({ authenticate: expiringIn(60_000) });
    const client = await join(edge, { version, keepalive: 600 });
    edge.pass(59_000);
    await client.nothingSent();
    edge.pass(1_000);
    if (version === 5) expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0xa0 });
    await client.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['credentials_expired']);
  });

  it('is answered first what is settled', async () => {
    const edge = await startEdge({ authenticate: expiringIn(60_000) });
    const client = await join(edge, { keepalive: 600 });
    client.publish(1);
    await edge.taken(1);
    edge.settle(0, delivered);
    edge.pass(60_000);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0xa0 });
  });

  it('is ended also while the gateway does not read it', async () => {
    const edge = await startEdge({ authenticate: expiringIn(60_000) });
    const client = await join(edge, { keepalive: 10 });
    edge.server.setPressure(2);
    edge.pass(60_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0xa0 });
  });

  it('leaves its session, and its will to be published', async () => {
    const edge = await startEdge({ authenticate: expiringIn(60_000) });
    const will = {
      topic: 'v1/vehicles/v1/telemetry',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
      properties: {},
    };
    const client = await join(edge, { keepalive: 600, properties: { sessionExpiryInterval: 3600 }, will });
    edge.pass(60_000);
    await client.end();
    await edge.taken(1);
    edge.settle(0);
    const again = dial(edge, { clean: false, properties: { sessionExpiryInterval: 3600 } });
    expect(await again.next()).toMatchObject({ cmd: 'connack', reasonCode: 0, sessionPresent: true });
  });

  it('does not touch those whose credentials do not, or that came with newer ones', async () => {
    let expiresMs = 60_000;
    const edge = await startEdge({
      authenticate: async ({ username }) => ({
        identity: { deviceId: username ?? '', kind: 'vehicle', boundTo: 'v1' },
        ...(username === 'forever' ? {} : { expiresAtMs: nowMs + expiresMs }),
      }),
    });
    const forever = await join(edge, { username: 'forever', keepalive: 600 });
    const renewed = await join(edge, { username: 'renewed', keepalive: 600 });
    expiresMs = 600_000;
    const newer = await join(edge, { username: 'renewed', keepalive: 600 });
    expect(await renewed.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    edge.pass(120_000);
    await forever.nothingSent();
    await newer.nothingSent();
  });
});
