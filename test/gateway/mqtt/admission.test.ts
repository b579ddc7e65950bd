import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../../gateway/mqtt/context.ts';
import { makeAdmission, socketsOf } from '../core/limits/support.ts';
import { dial, type Edge, join, startEdge, until } from './support.ts';

const loopback = '127.0.0.1';
const refusedAll = async () => ({ refused: 'bad_credentials' }) as const;

/** The code of CONNACK; undefined when there is none. */
async function answer(edge: Edge, fields: Parameters<typeof dial>[1] = {}): Promise<number | undefined> {
  const client = dial(edge, fields);
  await until(() => client.packets.length > 0 || client.closed, 'an answer');
  const [packet] = client.packets;
  if (packet?.cmd !== 'connack') return undefined;
  if (packet.reasonCode !== 0 && packet.returnCode !== 0) await client.end();
  return packet.reasonCode ?? packet.returnCode;
}

describe('a CONNECT beyond the rate', () => {
  it('of its address is told 0x9F; 3.1.1: 3', async () => {
    const { admission, events } = makeAdmission({ connects: { perSecondPerAddress: 1, burstPerAddress: 1 } });
    const edge = await startEdge({ admission });
    expect(await answer(edge)).toBe(0);
    expect(await answer(edge, { clientId: 'c2' })).toBe(0x9f);
    expect(await answer(edge, { clientId: 'c2', version: 4 })).toBe(3);
    edge.pass(1000);
    expect(await answer(edge, { clientId: 'c2' })).toBe(0);
    expect(events.seen).toEqual([`address_connects ${loopback}`, `address_connects ${loopback}`]);
  });

  it('of the gateway is told 0x89, and where else to go when that is configured', async () => {
    const busy = () => makeAdmission({ connects: { perSecond: 1, burst: 1 } }).admission;
    const edge = await startEdge({ admission: busy() });
    expect([await answer(edge), await answer(edge), await answer(edge, { version: 4 })]).toEqual([0, 0x89, 3]);
    const redirecting = await startEdge({ admission: busy(), limits: { overloadReference: 'gateway-b:8883' } });
    await join(redirecting);
    const client = dial(redirecting);
    expect(await client.next()).toMatchObject({
      reasonCode: 0x9c,
      properties: { serverReference: 'gateway-b:8883' },
    });
    expect(await answer(redirecting, { version: 4 })).toBe(3);
  });

  it('of its device is told 0x9F, from whatever addresses, and no other device is', async () => {
    const { admission, events } = makeAdmission({ connects: { perSecondPerDevice: 1, burstPerDevice: 2 } });
    const edge = await startEdge({ admission });
    for (const clientId of ['a', 'b']) expect(await answer(edge, { username: 'd', clientId })).toBe(0);
    expect(await answer(edge, { username: 'd', clientId: 'c' })).toBe(0x9f);
    expect(await answer(edge, { username: 'e', clientId: 'c' })).toBe(0);
    expect(events.seen).toEqual([`device_connects ${loopback}`]);
  });

  it('does not use up what a device may when its credentials are wrong', async () => {
    const { admission } = makeAdmission({ connects: { perSecondPerDevice: 1, burstPerDevice: 1 } });
    const edge = await startEdge({
      admission,
      authenticate: async ({ password }) =>
        password?.toString() === 'right'
          ? { identity: { deviceId: 'victim', kind: 'vehicle', boundTo: 'v1' } }
          : { refused: 'bad_credentials' },
    });
    for (let i = 0; i < 5; i += 1) {
      expect(await answer(edge, { username: 'victim', password: Buffer.from('guess') })).toBe(0x86);
    }
    expect(await answer(edge, { username: 'victim', password: Buffer.from('right') })).toBe(0);
  });
});

describe('connections', () => {
  it('beyond those of a device are told 0x97; who takes one over is let in, and so is the next when one ends', async () => {
    const { admission } = makeAdmission({ connections: { perDevice: 2 } });
    const edge = await startEdge({ admission });
    const first = await join(edge, { username: 'd', clientId: 'a' });
    await join(edge, { username: 'd', clientId: 'b' });
    expect(await answer(edge, { username: 'd', clientId: 'c' })).toBe(0x97);
    expect(await answer(edge, { username: 'd', clientId: 'c', version: 4 })).toBe(3);
    await join(edge, { username: 'd', clientId: 'b' });
    first.socket.end();
    await until(() => edge.server.connections === 1, 'the first to be gone');
    await join(edge, { username: 'd', clientId: 'c' });
    await join(edge, { username: 'e', clientId: 'a' });
  });

  it('beyond those of an address are told 0x97, until one of them ends', async () => {
    const { admission } = makeAdmission({ connections: { perAddress: 1 } });
    const edge = await startEdge({ admission });
    const first = await join(edge);
    expect(await answer(edge, { clientId: 'c2' })).toBe(0x97);
    first.socket.end();
    await until(() => edge.server.sockets === 0, 'all sockets to be closed');
    expect(await answer(edge, { clientId: 'c2' })).toBe(0);
  });
});

describe('who fails to log in', () => {
  it('again and again is asked in without a hash, by name and address', async () => {
    const { admission, events } = makeAdmission({ bans: { failuresPerLogin: 2 } });
    const asked: (readonly [string | undefined, boolean | undefined, string | undefined])[] = [];
    const authenticate = async ({ username, withoutHash, source }: Credentials) => {
      asked.push([username, withoutHash, source]);
      return withoutHash === true ? ({ refused: 'rate_exceeded' } as const) : refusedAll();
    };
    const edge = await startEdge({ admission, authenticate });
    const codes = [];
    for (let i = 0; i < 3; i += 1) codes.push(await answer(edge, { username: 'victim', password: Buffer.from('x') }));
    expect(codes).toEqual([0x86, 0x86, 0x9f]);
    expect(await answer(edge, { username: 'victim', version: 4 })).toBe(3);
    expect(await answer(edge, { username: 'other' })).toBe(0x86);
    expect(asked).toEqual([
      ['victim', false, loopback],
      ['victim', false, loopback],
      ['victim', true, loopback],
      ['victim', true, loopback],
      ['other', false, loopback],
    ]);
    expect(events.seen).toEqual([`banned login ${loopback}`, `login_banned ${loopback}`, `login_banned ${loopback}`]);
  });

  it('is counted also when it hangs up before the answer', async () => {
    const { admission, events } = makeAdmission({ bans: { failuresPerLogin: 3 } });
    const answers: (() => void)[] = [];
    const edge = await startEdge({
      admission,
      authenticate: () => new Promise((resolve) => answers.push(() => resolve({ refused: 'bad_credentials' }))),
    });
    for (let i = 1; i <= 3; i += 1) {
      const client = dial(edge, { username: 'victim' });
      await until(() => answers.length === i, 'the question who it is');
      client.socket.destroy();
      await until(() => edge.server.sockets === 0, 'it to be gone');
      answers[i - 1]?.();
    }
    await until(() => events.seen.length > 0, 'the ban');
    expect(events.seen).toEqual([`banned login ${loopback}`]);
  });

  it('under many names is not even accepted any more', async () => {
    const { admission, events } = makeAdmission({ bans: { namesPerAddress: 3 } });
    const edge = await startEdge({ admission, authenticate: refusedAll });
    for (let i = 0; i < 3; i += 1) expect(await answer(edge, { username: `guess-${i}` })).toBe(0x86);
    expect(await answer(edge, { username: 'guess-4' })).toBeUndefined();
    expect(events.seen).toEqual([`banned address ${loopback}`, `address_banned ${loopback}`]);
    edge.pass(60_000);
    expect(await answer(edge, { username: 'guess-5' })).toBe(0x86);
  });

  it('for another reason than its credentials is not counted', async () => {
    const { admission, events } = makeAdmission({ bans: { failuresPerLogin: 1, namesPerAddress: 1 } });
    const edge = await startEdge({ admission, authenticate: async () => ({ refused: 'server_busy' }) });
    for (let i = 0; i < 3; i += 1) expect(await answer(edge)).toBe(0x89);
    expect(events.seen).toEqual([]);
  });
});

it('sockets that are closed, however they end, leave nothing behind', async () => {
  const { admission } = makeAdmission({ connections: { perAddress: 1 } });
  const edge = await startEdge({ admission });
  const client = await join(edge);
  client.write(Buffer.from([0, 0]));
  await client.end();
  const silent = dial(edge);
  silent.socket.resetAndDestroy();
  await until(() => edge.server.sockets === 0, 'all sockets to be closed');
  expect(socketsOf(admission, loopback)).toBe(0);
});
