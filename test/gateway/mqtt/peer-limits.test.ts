import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListenerOptions } from '../../../gateway/mqtt/context.ts';
import { Balancer, proxyHeader } from '../../support/proxy-header.ts';
import { makeAdmission, socketsOf } from '../core/limits/support.ts';
import { type Edge, startEdge, until } from './support.ts';
import { SecureClient, SecureEdge } from './tls-support.ts';
import { Transports } from './transport-support.ts';
import { frame, RawPeer, upgradeRequest } from './websocket/raw-websocket.ts';

const balancerAddress = '127.0.0.1';
const observer = new Transports();
const proxyProtocol = { from: [balancerAddress], timeoutMs: 10_000, maxPending: 10, observer };
const webSocket = { path: '/mqtt', allowedOrigins: [], upgradeTimeoutMs: 10_000, maxUpgrades: 10, observer };
/** What time gives back is not of interest here. */
const slowly = 1e-6;

const connect = (username: string): Buffer =>
  generate(
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      clientId: '',
      keepalive: 60,
      username,
    } as Packet,
    { protocolVersion: 5 },
  );
const headerOf = (address: string): Buffer => proxyHeader({ source: address.split('.').map(Number) });

interface Way {
  readonly listener: Partial<ListenerOptions>;
  readonly addresses: readonly [string, string];
  readonly dial: (port: number, address: string, bytes: Buffer) => RawPeer;
}

const upgraded = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(upgradeRequest()), frame(bytes)]);
const behindBalancer = (port: number, address: string, bytes: Buffer): RawPeer => {
  const peer = new RawPeer(port);
  peer.write(Buffer.concat([headerOf(address), bytes]));
  return peer;
};

const ways: Readonly<Record<string, Way>> = {
  'that a PROXY header names': {
    listener: { proxyProtocol },
    addresses: ['203.0.113.9', '203.0.113.10'],
    dial: behindBalancer,
  },
  'that a PROXY header names before a WebSocket': {
    listener: { proxyProtocol, webSocket },
    addresses: ['203.0.113.9', '203.0.113.10'],
    dial: (port, address, bytes) => behindBalancer(port, address, upgraded(bytes)),
  },
  'that a WebSocket comes from': {
    listener: { webSocket },
    addresses: ['127.0.0.2', '127.0.0.3'],
    dial: (port, address, bytes) => {
      const peer = new RawPeer(port, address);
      peer.write(upgraded(bytes));
      return peer;
    },
  },
};

/** The code of CONNACK; undefined when there is none. */
async function codeOf(peer: RawPeer): Promise<number | undefined> {
  const mqtt = () => (peer.text.startsWith('HTTP/') ? peer.mqtt : Buffer.from(peer.text, 'latin1'));
  await until(() => mqtt().length >= 4 || peer.closed, 'an answer');
  return mqtt()[3];
}

const emptied = (edge: Edge): Promise<void> => until(() => edge.server.sockets === 0, 'all sockets to be closed');

describe.each(Object.entries(ways))('the address %s', (_name, { listener, addresses: [a, b], dial }) => {
  const ask = (edge: Edge, address: string, name = 'd') => codeOf(dial(edge.port, address, connect(name)));

  it('is the one whose connections are counted', async () => {
    const { admission, events } = makeAdmission({ connections: { perAddress: 1 } });
    const edge = await startEdge({ admission, listener });
    const first = dial(edge.port, a, connect('d'));
    expect(await codeOf(first)).toBe(0);
    const second = dial(edge.port, a, connect('d'));
    expect(await codeOf(second)).toBe(0x97);
    const other = dial(edge.port, b, connect('d'));
    expect(await codeOf(other)).toBe(0);
    expect(events.seen).toEqual([`address_connections ${a}`]);
    expect(socketsOf(admission, b)).toBe(1);
    for (const peer of [first, second, other]) peer.socket.destroy();
    await emptied(edge);
    expect(await ask(edge, a)).toBe(0);
    expect(socketsOf(admission, balancerAddress)).toBe(0);
  });

  it('is the one that may send so many CONNECTs', async () => {
    const { admission, events } = makeAdmission({ connects: { perSecondPerAddress: 1, burstPerAddress: 2 } });
    const edge = await startEdge({ admission, listener });
    expect([await ask(edge, a), await ask(edge, a), await ask(edge, a)]).toEqual([0, 0, 0x9f]);
    expect(await ask(edge, b)).toBe(0);
    edge.pass(1000);
    expect(await ask(edge, a)).toBe(0);
    expect(events.seen).toEqual([`address_connects ${a}`]);
  });

  it('is the one that is banned, and nobody else', async () => {
    const { admission, events } = makeAdmission({ bans: { namesPerAddress: 2 } });
    const authenticate = async () => ({ refused: 'bad_credentials' }) as const;
    const edge = await startEdge({ admission, listener, authenticate });
    expect([await ask(edge, a, 'guess-1'), await ask(edge, a, 'guess-2')]).toEqual([0x86, 0x86]);
    expect(await ask(edge, a, 'guess-3')).toBeUndefined();
    expect(await ask(edge, b, 'guess-4')).toBe(0x86);
    expect(events.seen).toEqual([`banned address ${a}`, `address_banned ${a}`]);
    edge.pass(60_000);
    expect(await ask(edge, a, 'guess-5')).toBe(0x86);
  });
});

describe('a load balancer', () => {
  const local = Buffer.concat([proxyHeader({ command: 0, family: 0 }), connect('d')]);

  it('that is exempt exempts nobody behind it, and its own checks are not counted for them', async () => {
    const { admission, events } = makeAdmission({ connections: { perAddress: 1 } }, { exempt: [balancerAddress] });
    const edge = await startEdge({ admission, listener: { proxyProtocol } });
    const itself = () => {
      const peer = new RawPeer(edge.port);
      peer.write(local);
      return codeOf(peer);
    };
    expect([await itself(), await itself()]).toEqual([0, 0]);
    const devices = ['203.0.113.9', '203.0.113.9', '203.0.113.10'];
    const codes: (number | undefined)[] = [];
    for (const address of devices) codes.push(await codeOf(behindBalancer(edge.port, address, connect('d'))));
    expect(codes).toEqual([0, 0x97, 0]);
    expect(events.seen).toEqual(['address_connections 203.0.113.9']);
  });

  it('names addresses of IPv6, of which a network of 64 bits counts as one', async () => {
    const { admission, events } = makeAdmission({ connections: { perAddress: 1 } });
    const edge = await startEdge({ admission, listener: { proxyProtocol } });
    const from = (network: number, host: number) => {
      const peer = new RawPeer(edge.port);
      const source = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, network, 0, 0, 0, 0, 0, 0, 0, host];
      peer.write(Buffer.concat([proxyHeader({ source }), connect('d')]));
      return codeOf(peer);
    };
    expect([await from(2, 1), await from(2, 0xff), await from(3, 1)]).toEqual([0, 0x97, 0]);
    expect(events.seen).toEqual(['address_connections 2001:db8:1:2::/64']);
  });

  it('before a listener with TLS: each address has its own handshakes', async () => {
    const perAddress = { perSecondPerAddress: slowly, burstPerAddress: 1 };
    const { admission, events } = makeAdmission({ handshakes: perAddress });
    const edge = await SecureEdge.start({
      files: { clientCertificates: 'none' },
      tls: { clientCertificates: 'none' },
      listener: { proxyProtocol },
      admission,
    });
    const from = async (address: string) => {
      const balancer = await Balancer.start(edge.port, headerOf(address));
      onTestFinished(() => balancer[Symbol.asyncDispose]());
      return () => new SecureClient({ ...edge.clientOptions(), port: balancer.port });
    };
    const [first, other] = [await from('203.0.113.9'), await from('203.0.113.10')];
    const right = { username: 'a', password: Buffer.from('right') };
    expect(await first().connect(right)).toBe(0);
    const refused = first();
    await refused.end();
    expect(refused.isSecure).toBe(false);
    expect(await other().connect(right)).toBe(0);
    expect(events.seen).toEqual(['address_handshakes 203.0.113.9']);
  });
});
