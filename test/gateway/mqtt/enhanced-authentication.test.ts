import { describe, expect, it } from 'vitest';
import type { AuthResult, Credentials } from '../../../gateway/mqtt/context.ts';
import { dial, type Edge, join, type RawClient, startEdge, until } from './support.ts';

/** What the edge's wall clock shows. */
const nowMs = 1_700_000_000_000;

const method = (data: string, authenticationMethod = 'JWT') => ({
  authenticationMethod,
  authenticationData: Buffer.from(data),
});

/** An edge that takes as a token the number of seconds for which it counts, and what it was asked. */
async function startTaking(credentials: 'token' | 'either' | 'secret' = 'token') {
  const asked: Credentials[] = [];
  const authenticate = async (claim: Credentials): Promise<AuthResult> => {
    asked.push(claim);
    const text = String(claim.password);
    if (text === 'busy') return { refused: 'server_busy' };
    if (text === 'keyless') return { refused: 'server_unavailable' };
    if (text === 'rebound') return { identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'v2' } };
    const seconds = Number(text);
    if (!(seconds > 0)) return { refused: 'bad_credentials' };
    return { identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' }, expiresAtMs: nowMs + seconds * 1000 };
  };
  return { edge: await startEdge({ credentials, authenticate }), asked };
}

const joinWith = (edge: Edge, data: string) => join(edge, { username: 'd', keepalive: 600, properties: method(data) });

const reauthenticate = (client: RawClient, properties: object = method('600')): void =>
  client.send({ cmd: 'auth', reasonCode: 0x19, properties });

describe('CONNECT with an authentication method', () => {
  it('is judged by its authentication data, as a token, and told the method in CONNACK', async () => {
    const { edge, asked } = await startTaking('either');
    const client = dial(edge, { username: 'd', password: 'secret', properties: method('60') });
    expect(await client.next()).toMatchObject({ reasonCode: 0, properties: { authenticationMethod: 'JWT' } });
    expect(asked).toMatchObject([{ accepts: 'token', username: 'd', clientId: 'c1', password: Buffer.from('60') }]);
  });

  it.each([
    ['wrong data', method('x'), 0x86],
    ['no data', { authenticationMethod: 'JWT' }, 0x86],
    ['another method', method('60', 'SCRAM-SHA-256'), 0x8c],
    ['the method in other letters', method('60', 'jwt'), 0x8c],
  ])('is refused with %s', async (_what, properties, reasonCode) => {
    const { edge } = await startTaking();
    expect(await dial(edge, { username: 'd', properties }).next()).toMatchObject({ cmd: 'connack', reasonCode });
  });

  it('is refused where no tokens are taken', async () => {
    const { edge, asked } = await startTaking('secret');
    expect(await dial(edge, { properties: method('60') }).next()).toMatchObject({ reasonCode: 0x8c });
    expect(asked).toEqual([]);
  });
});

describe('AUTH', () => {
  it('renews the time of a connection, which goes on', async () => {
    const { edge, asked } = await startTaking();
    const client = await joinWith(edge, '60');
    edge.pass(50_000);
    reauthenticate(client);
    expect(await client.next()).toMatchObject({
      cmd: 'auth',
      reasonCode: 0,
      properties: { authenticationMethod: 'JWT' },
    });
    expect(asked[1]).toMatchObject({ accepts: 'token', username: 'd', clientId: 'c1', password: Buffer.from('600') });
    edge.pass(500_000);
    await client.nothingSent();
    edge.pass(100_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0xa0 });
  });

  it.each([
    ['a token that does not count', 'x', 0x87],
    ['a device that was bound to another vehicle meanwhile', 'rebound', 0x87],
  ])('ends the connection with %s', async (_what, data, reasonCode) => {
    const { edge } = await startTaking();
    const client = await joinWith(edge, '60');
    reauthenticate(client, method(data));
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode });
    await client.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['reauthentication_failed']);
  });

  it.each<[string, object]>([
    ['by another method', { cmd: 'auth', reasonCode: 0x19, properties: method('600', 'other') }],
    ['by no method', { cmd: 'auth', reasonCode: 0x19, properties: {} }],
    ['to go on with nothing', { cmd: 'auth', reasonCode: 0x18, properties: method('600') }],
  ])('is a protocol error %s', async (_what, packet) => {
    const { edge, asked } = await startTaking();
    const client = await joinWith(edge, '60');
    client.send(packet as never);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
    expect(asked).toHaveLength(1);
  });

  it('is a protocol error on a connection that came by a password', async () => {
    const { edge, asked } = await startTaking();
    const client = await join(edge, { username: 'd', password: '60' });
    reauthenticate(client);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
    expect(asked).toHaveLength(1);
  });

  it('may not be sent again before it is answered, so that one connection has one token verified at a time', async () => {
    const answer = Promise.withResolvers<AuthResult>();
    let asked = 0;
    const identity = { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' } as const;
    const edge = await startEdge({
      credentials: 'token',
      authenticate: () => {
        asked += 1;
        return asked === 1 ? Promise.resolve({ identity }) : answer.promise;
      },
    });
    const client = await joinWith(edge, '60');
    reauthenticate(client);
    reauthenticate(client);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
    answer.resolve({ identity });
    await client.end();
    await until(() => edge.server.sockets === 0, 'the socket to be gone');
    expect(asked).toBe(2);
  });

  it.each(['server_busy', 'server_unavailable'] as const)(
    'is asked about again while the gateway answers %s, under the old token',
    async (refused) => {
      const identity = { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' } as const;
      const results: AuthResult[] = [{ identity }, { refused }, { identity }];
      const edge = await startEdge({
        credentials: 'token',
        authenticate: () => Promise.resolve(results.shift() ?? { refused: 'bad_credentials' }),
      });
      const client = await joinWith(edge, '60');
      reauthenticate(client);
      expect(await client.next()).toMatchObject({ cmd: 'auth', reasonCode: 0 });
      expect(results).toEqual([]);
    },
  );

  it('keeps nobody from publishing meanwhile', async () => {
    const answer = Promise.withResolvers<AuthResult>();
    const results: Promise<AuthResult>[] = [
      Promise.resolve({ identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' } }),
      answer.promise,
    ];
    const edge = await startEdge({
      credentials: 'token',
      authenticate: () => results.shift() ?? Promise.resolve({ refused: 'bad_credentials' }),
    });
    const client = await joinWith(edge, '60');
    reauthenticate(client);
    client.publish(1);
    await edge.taken(1);
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  });
});
