import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Peer } from '../../../gateway/core/limits/peer.ts';
import { HandshakeGate, type HandshakeListener } from '../../../gateway/mqtt/handshake-gate.ts';
import { makeAdmission, socketsOf } from '../core/limits/support.ts';
import { until } from './support.ts';
import { SecureClient, SecureEdge } from './tls-support.ts';

const flooding = '127.0.0.1';
const elsewhere = '127.0.0.2';
const open = { files: { clientCertificates: 'none' as const }, tls: { clientCertificates: 'none' as const } };
/** Node takes it, its types do not know it. */
const from = (edge: SecureEdge, localAddress: string): ConnectionOptions =>
  Object.assign(edge.clientOptions(), { localAddress });
const right = { username: 'a', password: Buffer.from('right') };

it('handshakes begin at their pace; who floods gives way to who comes from elsewhere, and both get their turn', async () => {
  const { admission, events } = makeAdmission({ handshakes: { perSecond: 1, burst: 1, queueMax: 3 } });
  const edge = await SecureEdge.start({ ...open, admission });
  const flood = Array.from({ length: 5 }, () => new SecureClient(from(edge, flooding)));
  // One begins, three wait.
  await until(() => events.count('handshake_queue') === 1, 'the fifth to be closed');
  const honest = new SecureClient(from(edge, elsewhere));
  await until(() => events.count('handshake_queue') === 2, 'one of the flood to make room');
  expect(events.seen).toEqual([`handshake_queue ${flooding}`, `handshake_queue ${flooding}`]);
  await until(() => honest.isSecure, 'the honest one to be in');
  expect(flood.filter(({ isSecure }) => isSecure).length).toBeLessThanOrEqual(2);
  expect(await honest.connect(right)).toBe(0);
  await until(() => flood.filter(({ isSecure }) => isSecure).length === 3, 'the others to be in');
  expect(edge.server.handshakesWaiting).toBe(0);
});

it('an address of devices has a place and a turn that strangers, from however many addresses, do not take', async () => {
  const { admission, events } = makeAdmission({ handshakes: { perSecond: 1, burst: 1, queueMax: 4 } });
  const edge = await SecureEdge.start({ ...open, admission });
  const home = admission.arrive(elsewhere, performance.now());
  if (home === undefined) throw new Error('closed');
  admission.bans.succeeded(home, 'a', performance.now());
  admission.leave(home);
  const strangers = [10, 11, 12, 13, 14].map((host) => new SecureClient(from(edge, `127.0.0.${host}`)));
  // One begins, three wait; the fourth place is not theirs.
  await until(() => events.count('handshake_queue') === 1, 'the fifth to be closed');
  const honest = new SecureClient(from(edge, elsewhere));
  await until(() => honest.isSecure || honest.closed, 'the honest one to be in');
  expect(await honest.connect(right)).toBe(0);
  expect(strangers.filter(({ isSecure }) => isSecure).length).toBeLessThanOrEqual(3);
  expect(events.seen).toHaveLength(1);
});

it('who sends more than a ClientHello while it waits is closed, and takes the place of nobody', async () => {
  const { admission, events } = makeAdmission({ handshakes: { perSecond: 1, burst: 1 } });
  const edge = await SecureEdge.start({ ...open, admission });
  const first = new SecureClient(from(edge, elsewhere));
  await until(() => first.isSecure, 'the first to be in');
  const pouring = connect({ host: '127.0.0.1', port: edge.port, localAddress: flooding });
  pouring.on('error', () => {});
  const honest = new SecureClient(from(edge, elsewhere));
  await until(() => edge.server.handshakesWaiting === 2, 'two to wait');
  pouring.write(Buffer.alloc(65_536));
  await until(() => events.count('handshake_bytes') === 1, 'it to be closed');
  await until(() => honest.isSecure, 'the honest one to be in');
  expect(events.seen).toEqual([`handshake_bytes ${flooding}`]);
});

it('a socket that is reset while it waits harms nobody, and costs the others no turn', async () => {
  const { admission } = makeAdmission({ handshakes: { perSecond: 1, burst: 1 } });
  const edge = await SecureEdge.start({ ...open, admission });
  const first = new SecureClient(from(edge, elsewhere));
  await until(() => first.isSecure, 'the first to be in');
  const waiting = Array.from({ length: 3 }, () =>
    connect({ host: '127.0.0.1', port: edge.port, localAddress: flooding }),
  );
  for (const socket of waiting) socket.on('error', () => {});
  await until(() => edge.server.handshakesWaiting === 3, 'three to wait');
  const last = new SecureClient(from(edge, elsewhere));
  await until(() => edge.server.handshakesWaiting === 4, 'another one to wait');
  for (const socket of waiting) socket.resetAndDestroy();
  await until(() => socketsOf(admission, flooding) === 0, 'those that were reset to be gone');
  await until(() => last.isSecure, 'the last one to be in');
  expect(edge.server.handshakesWaiting).toBe(0);
});

it('who shakes hands without end uses up no turn: the others wait for a place', async () => {
  const { admission } = makeAdmission();
  const edge = await SecureEdge.start({ ...open, tls: { ...open.tls, maxHandshakes: 1 }, admission });
  const silent = connect({ host: '127.0.0.1', port: edge.port, localAddress: flooding });
  silent.on('error', () => {});
  await until(() => edge.server.handshakes === 1, 'the silent one to take the place');
  const honest = new SecureClient(from(edge, elsewhere));
  await until(() => edge.server.handshakesWaiting === 1, 'the honest one to wait');
  silent.destroy();
  await until(() => honest.isSecure, 'the honest one to be in');
});

it('an address that begins more than it may is closed, and another one is not', async () => {
  const { admission, events } = makeAdmission({ handshakes: { perSecondPerAddress: 1, burstPerAddress: 1 } });
  const edge = await SecureEdge.start({ ...open, admission });
  expect(await new SecureClient(from(edge, flooding)).connect(right)).toBe(0);
  const second = new SecureClient(from(edge, flooding));
  await second.end();
  expect(events.seen).toEqual([`address_handshakes ${flooding}`]);
  const other = new SecureClient(from(edge, elsewhere));
  expect(await other.connect({ username: 'b', password: Buffer.from('right') })).toBe(0);
});

it('CONNECTs over TLS count at the address that the socket below has come from', async () => {
  const { admission, events } = makeAdmission({ connects: { perSecondPerAddress: 1, burstPerAddress: 1 } });
  const edge = await SecureEdge.start({ ...open, admission });
  expect(await new SecureClient(from(edge, elsewhere)).connect(right)).toBe(0);
  expect(await new SecureClient(from(edge, elsewhere)).connect(right)).toBe(0x9f);
  expect(await new SecureClient(from(edge, flooding)).connect(right)).toBe(0);
  expect(events.seen).toEqual([`address_connects ${elsewhere}`]);
});

it('sockets over TLS are counted until they end, whichever side ends them', async () => {
  const { admission } = makeAdmission();
  const edge = await SecureEdge.start({ ...open, admission });
  const client = new SecureClient(edge.clientOptions());
  expect(await client.connect(right)).toBe(0);
  expect(socketsOf(admission, flooding)).toBe(1);
  client.socket.end();
  await until(() => socketsOf(admission, flooding) === 0, 'the first to be gone');
  const refused = new SecureClient(edge.clientOptions());
  expect(await refused.connect({ username: 'a', password: Buffer.from('wrong') })).toBe(0x86);
  await until(() => socketsOf(admission, flooding) === 0, 'the refused one to be gone');
  const aborted = new SecureClient(edge.clientOptions());
  await until(() => aborted.isSecure, 'the handshake');
  aborted.socket.destroy();
  await until(() => socketsOf(admission, flooding) === 0, 'the aborted one to be gone');
});

it('a server that ends leaves nobody waiting', async () => {
  const { admission } = makeAdmission({ handshakes: { perSecond: 1, burst: 1 } });
  const edge = await SecureEdge.start({ ...open, admission });
  const clients = [1, 2, 3].map(() => new SecureClient(edge.clientOptions()));
  await until(() => edge.server.handshakesWaiting === 2, 'two to wait');
  await edge.server.close(0);
  for (const client of clients) await client.end();
  expect(edge.server.handshakesWaiting).toBe(0);
});

/** A gate by itself, with real sockets, a clock of its own, and listeners that only say whose turn it was. */
async function gateScene(changes: Parameters<typeof makeAdmission>[0] = {}) {
  const { admission, events } = makeAdmission(changes);
  const clock = { nowMs: 0 };
  const gate = new HandshakeGate(admission, () => clock.nowMs);
  const server = createServer({ allowHalfOpen: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  return {
    ...{ admission, events, clock, gate },
    /** A listener, and the sockets whose handshakes it was told to begin. */
    listener: (room = { is: true }) => {
      const begun: Socket[] = [];
      const listener: HandshakeListener = {
        get hasRoom() {
          return room.is;
        },
        begin: (socket) => begun.push(socket),
      };
      return { listener, begun };
    },
    /** Somebody connects from `address`, and enters the gate. */
    enter: async (listener: HandshakeListener, address = flooding): Promise<Socket> => {
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      clients.push(client.on('error', () => {}));
      const [socket] = await accepted;
      gate.enter(socket, admission.arrive(address, clock.nowMs) as Peer, listener);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      gate.abandon();
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the gate', () => {
  it('lets nobody have a turn who has hung up long ago, though that does not show', async () => {
    await using scene = await gateScene({ handshakes: { perSecond: 0.1, burst: 1 } });
    const { listener, begun } = scene.listener();
    await scene.enter(listener);
    expect(begun).toHaveLength(1);
    for (const bytes of [300, 1800]) {
      const gone = await scene.enter(listener);
      gone.end(Buffer.alloc(bytes));
      await once(gone, 'finish');
    }
    scene.clock.nowMs = 29_000;
    const patient = await scene.enter(listener, elsewhere);
    expect(scene.gate.waiting).toBe(3);
    scene.clock.nowMs = 31_000;
    await until(() => begun.length === 2, 'a turn');
    expect(scene.events.seen).toEqual([`handshake_wait ${flooding}`, `handshake_wait ${flooding}`]);
    expect(begun.at(-1)?.remotePort).toBe(patient.localPort);
    expect(scene.gate.waiting).toBe(0);
  });

  it('lets listeners take turns, and a full one holds up no other', async () => {
    await using scene = await gateScene({ handshakes: { perSecond: 1, burst: 5 } });
    const room = { is: false };
    const full = scene.listener(room);
    for (let i = 0; i < 3; i += 1) await scene.enter(full.listener);
    const other = scene.listener();
    for (let i = 0; i < 2; i += 1) await scene.enter(other.listener);
    await until(() => other.begun.length === 2, 'the other listener');
    expect(full.begun).toHaveLength(0);
    room.is = true;
    await until(() => full.begun.length === 3, 'the full one to be full no more');
    // Now there is no token left: both wait, and take turns when there are some.
    for (let i = 0; i < 2; i += 1) await scene.enter(full.listener);
    for (let i = 0; i < 2; i += 1) await scene.enter(other.listener);
    for (const seconds of [1, 2]) {
      scene.clock.nowMs = seconds * 1000;
      await until(() => full.begun.length + other.begun.length === 5 + seconds, 'a turn');
    }
    expect([full.begun.length, other.begun.length]).toEqual([4, 3]);
  });
});
