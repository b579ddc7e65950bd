import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { expect, it } from 'vitest';
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
