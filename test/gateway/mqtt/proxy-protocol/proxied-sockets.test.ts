import { readFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { connectAsync } from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConnectionFacts } from '../../../../gateway/mqtt/observer.ts';
import type { ProxyProtocol } from '../../../../gateway/mqtt/proxy-protocol/proxied-sockets.ts';
import { Balancer, proxyHeader } from '../../../support/proxy-header.ts';
import { RawClient, type RecordingObserver, startEdge, until } from '../support.ts';
import { SecureClient, SecureEdge } from '../tls-support.ts';
import { Transports } from '../transport-support.ts';

const connect = generate(
  { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, clientId: 'c1', keepalive: 60 } as Packet,
  { protocolVersion: 5 },
);

async function scene(changes: Partial<ProxyProtocol> = {}) {
  const transports = new Transports();
  const proxyProtocol = { from: ['127.0.0.0/8'], timeoutMs: 10_000, maxPending: 100, observer: transports, ...changes };
  const edge = await startEdge({ listener: { proxyProtocol } });
  return { edge, transports, client: () => new RawClient(edge.port, 5) };
}

/** What an observer is told of the peer of the first connection. */
const addressOf = (seen: RecordingObserver): unknown =>
  (seen.of('connectionOpened')[0]?.[0] as ConnectionFacts | undefined)?.remoteAddress;

describe('a listener behind a load balancer', () => {
  it('serves a device that the header names, by its own address', async () => {
    const { edge, transports, client } = await scene();
    const device = client();
    device.write(proxyHeader());
    expect(await transports.next()).toBe('taken');
    device.write(connect);
    expect(await device.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    expect(addressOf(edge.seen)).toBe('203.0.113.9');
    await device.nothingSent();
  });

  it('takes header, CONNECT and publishes that come at once, and that come byte by byte', async () => {
    const { edge, client } = await scene();
    const publish = generate(
      { cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId: 1, dup: false, retain: false },
      { protocolVersion: 5 },
    );
    const bytes = Buffer.concat([proxyHeader({ checksum: true }), connect, publish]);
    client().write(bytes);
    await edge.taken(1);
    const slow = client();
    for (const byte of bytes) slow.write(Uint8Array.of(byte));
    await edge.taken(2);
  });

  it('takes the check of the balancer itself as its own connection', async () => {
    const { edge, transports, client } = await scene();
    const balancer = client();
    balancer.write(Buffer.concat([proxyHeader({ command: 0, family: 0 }), connect]));
    expect(await balancer.next()).toMatchObject({ cmd: 'connack' });
    expect(await transports.next()).toBe('local');
    expect(addressOf(edge.seen)).toBe('127.0.0.1');
  });

  it('is closed to who is no balancer, before a byte is read', async () => {
    const { transports, client, edge } = await scene({ from: ['10.0.0.0/8', '2001:db8::/32', '127.0.0.2'] });
    const stranger = client();
    stranger.write(Buffer.concat([proxyHeader(), connect]));
    await stranger.end();
    expect(await transports.next()).toBe('not_allowed');
    expect(transports.addresses).toEqual(['127.0.0.1']);
    expect(stranger.packets).toEqual([]);
    expect(edge.seen.of('socketAccepted')).toEqual([]);
  });

  it.each([
    ['no header', connect, 'signature'],
    ['the text of version 1', Buffer.from('PROXY UNKNOWN\r\n'), 'text_version'],
    ['a header that is too long', proxyHeader({ extensions: [[4, Buffer.alloc(3000)]] }), 'too_long'],
    ['another family', proxyHeader({ family: 0x12 }), 'family'],
  ])('closes without a word on %s, and serves the next', async (_what, bytes, reason) => {
    const { edge, transports, client } = await scene();
    const hostile = client();
    hostile.write(bytes);
    await hostile.end();
    expect(await transports.next()).toBe(reason);
    expect(hostile.socket.bytesRead).toBe(0);
    const device = client();
    device.write(Buffer.concat([proxyHeader(), connect]));
    expect(await device.next()).toMatchObject({ cmd: 'connack' });
    expect(edge.server.proxyHeaders).toBe(0);
  });

  it('waits for a header no longer than it is told, however it dribbles, and counts who goes away', async () => {
    const { edge, transports, client } = await scene({ timeoutMs: 100 });
    const slow = client();
    slow.write(proxyHeader().subarray(0, 20));
    expect(await transports.next()).toBe('timeout');
    await slow.end();
    const gone = client();
    gone.write(proxyHeader().subarray(0, 5));
    await until(() => edge.server.proxyHeaders === 1, 'the header to be waited for');
    gone.socket.destroy();
    expect(await transports.next()).toMatch(/aborted|timeout/);
    expect(edge.server.proxyHeaders).toBe(0);
  });

  it('has a bound on headers that are waited for', async () => {
    const { edge, transports, client } = await scene({ maxPending: 2 });
    const waiting = [client(), client()];
    await until(() => edge.server.proxyHeaders === 2, 'two headers to be waited for');
    await client().end();
    expect(await transports.next()).toBe('too_many');
    for (const { socket } of waiting) socket.destroy();
    await until(() => edge.server.proxyHeaders === 0, 'the places to be free');
  });

  it('ends with the server, also what is still waited for', async () => {
    const { edge, client } = await scene();
    const waiting = client();
    await until(() => edge.server.proxyHeaders === 1, 'a header to be waited for');
    await edge.server.close(0);
    await waiting.end();
  });

  it('reads on when the gateway may read again, also what came with the header', async () => {
    const { edge, client } = await scene();
    edge.server.setPressure(2);
    const device = client();
    device.write(Buffer.concat([proxyHeader(), connect]));
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(device.packets).toEqual([]);
    edge.server.setPressure(0);
    expect(await device.next()).toMatchObject({ cmd: 'connack' });
  });
});

describe('a listener with TLS behind a load balancer', () => {
  async function secureScene(together: boolean) {
    const transports = new Transports();
    const proxyProtocol = { from: ['127.0.0.1'], timeoutMs: 10_000, maxPending: 100, observer: transports };
    const edge = await SecureEdge.start({ listener: { proxyProtocol } });
    const balancer = await Balancer.start(edge.port, proxyHeader(), together);
    onTestFinished(() => balancer[Symbol.asyncDispose]());
    return { edge, transports, balancer };
  }

  it.each([
    ['before the handshake', false],
    ['together with its first bytes', true],
  ])('takes the header %s, and knows device and address', async (_when, together) => {
    const { edge, balancer } = await secureScene(together);
    const own = await edge.folder.device('a');
    const client = new SecureClient({ ...edge.clientOptions(own), port: balancer.port });
    expect(await client.connect({ clientId: 'a' })).toBe(0);
    expect(await edge.handshake()).toBe('TLSv1.3');
    expect(addressOf(edge.seen)).toBe('203.0.113.9');
    expect(await client.answers()).toBe(true);
    expect(edge.server.handshakes).toBe(0);
  });

  it('tells of a handshake that fails by the address of the device', async () => {
    const { edge, balancer } = await secureScene(false);
    const client = connectTls({ ...edge.clientOptions(), port: balancer.port });
    client.on('error', () => {});
    onTestFinished(() => void client.destroy());
    expect(await edge.handshake()).toBe('certificate_missing');
    expect(edge.handshakes.addresses).toEqual(['203.0.113.9']);
  });

  it('serves MQTT.js', async () => {
    const { edge, balancer } = await secureScene(true);
    const { certFile, keyFile } = await edge.folder.device('a');
    const client = await connectAsync(`mqtts://127.0.0.1:${balancer.port}`, {
      protocolVersion: 5,
      clientId: 'a',
      ca: readFileSync(edge.folder.authority.certFile),
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      reconnectPeriod: 0,
    });
    await client.endAsync();
  });
});
