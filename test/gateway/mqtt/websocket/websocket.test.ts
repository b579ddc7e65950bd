import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { MqttLimits } from '../../../../gateway/mqtt/limits.ts';
import type { WebSocketOptions } from '../../../../gateway/mqtt/websocket/upgrades.ts';
import { Balancer, proxyHeader } from '../../../support/proxy-header.ts';
import { type Edge, startEdge, until } from '../support.ts';
import { SecureClient, SecureEdge } from '../tls-support.ts';
import { Transports } from '../transport-support.ts';
import { frame, opcodes, RawPeer, upgradeRequest } from './raw-websocket.ts';

const v5 = (packet: Packet) => generate(packet, { protocolVersion: 5 });
const connectAs = (clientId: string) =>
  v5({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, clientId, keepalive: 60 } as Packet);
const connect = connectAs('c1');
const pingreq = v5({ cmd: 'pingreq' });
const pingresp = v5({ cmd: 'pingresp' });
const publish = (messageId: number, payload: string | Buffer = 'x') =>
  v5({ cmd: 'publish', topic: 'v1/vehicles/v1/telemetry', payload, qos: 1, messageId, dup: false, retain: false });

const optionsOf = (observer: Transports, changes: Partial<WebSocketOptions> = {}): WebSocketOptions => ({
  path: '/mqtt',
  allowedOrigins: [],
  upgradeTimeoutMs: 10_000,
  maxUpgrades: 100,
  observer,
  ...changes,
});

async function scene(changes: Partial<WebSocketOptions> = {}, limits: Partial<MqttLimits> = {}) {
  const transports = new Transports();
  const edge = await startEdge({ limits, listener: { webSocket: optionsOf(transports, changes) } });
  return { edge, transports };
}

/** A peer at the level of frames whose CONNECT was accepted. */
async function joined(edge: Edge, clientId = 'c1'): Promise<RawPeer> {
  const peer = await RawPeer.upgraded(edge.port);
  peer.write(frame(connectAs(clientId)));
  await until(() => peer.mqtt.length > 0 || peer.closed, 'CONNACK');
  expect(peer.mqtt[0]).toBe(0x20);
  return peer;
}

/** Shows that a connection is served: it answers PINGREQ. */
async function serves(peer: RawPeer): Promise<void> {
  const answers = () => peer.mqtt.toString('latin1').split(pingresp.toString('latin1')).length;
  const before = answers();
  peer.write(frame(pingreq));
  await until(() => answers() > before || peer.closed, 'an answer');
  expect(peer.closed).toBe(false);
}

async function mqttJs(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options });
  onTestFinished(async () => {
    await client.endAsync(true);
  });
  return client;
}

describe.each([4, 5] as const)('MQTT.js in version %i over WebSocket', (protocolVersion) => {
  it('publishes at every QoS, also more than a frame of the network, and subscribes', async () => {
    const { edge, transports } = await scene();
    const client = await mqttJs(`ws://127.0.0.1:${edge.port}/mqtt`, { protocolVersion, clientId: 'js', username: 'd' });
    expect(await transports.next()).toBe('upgraded');
    await client.publishAsync('t', 'zero', { qos: 0 });
    const one = client.publishAsync('t', 'x'.repeat(200_000), { qos: 1 });
    const two = client.publishAsync('t', 'two', { qos: 2 });
    await edge.taken(3);
    expect(edge.received.map(({ payload }) => payload.length)).toEqual([4, 200_000, 3]);
    edge.settle(1);
    edge.settle(2);
    await Promise.all([one, two]);
    expect(await client.subscribeAsync('v1/vehicles/v1/commands')).toHaveLength(1);
    expect(edge.server.partialBytes).toBe(0);
  });

  it('leaves a will when it goes without DISCONNECT', async () => {
    const { edge } = await scene();
    const will = { topic: 't', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
    const client = await mqttJs(`ws://127.0.0.1:${edge.port}/mqtt`, { protocolVersion, clientId: 'js', will });
    client.stream.destroy();
    await edge.taken(1);
    expect(Buffer.from(edge.received[0]?.payload ?? []).toString()).toBe('gone');
  });
});

describe('the stream of bytes in frames', () => {
  it('is the same however packets and frames are cut', async () => {
    const { edge } = await scene();
    const peer = await RawPeer.upgraded(edge.port);
    const bytes = Buffer.concat([connect, publish(1), publish(2, 'y'.repeat(300)), pingreq]);
    // A packet over many frames, a frame of no bytes, a message in fragments with a ping between, packets in one frame.
    for (const byte of bytes.subarray(0, 30)) peer.write(frame(Uint8Array.of(byte)));
    peer.write(frame(Buffer.alloc(0)));
    peer.write(frame(bytes.subarray(30, 60), { fin: false }));
    peer.write(frame(Buffer.from('are you there'), { opcode: opcodes.ping }));
    peer.write(frame(bytes.subarray(60, 61), { fin: false, opcode: opcodes.continuation }));
    peer.write(frame(bytes.subarray(61), { opcode: opcodes.continuation }));
    await edge.taken(2);
    expect(edge.received.map(({ payload }) => payload.length)).toEqual([1, 300]);
    await until(() => peer.mqtt.includes(pingresp), 'PINGRESP');
    const pong = peer.frames.find(({ opcode }) => opcode === opcodes.pong);
    expect(pong?.payload.toString()).toBe('are you there');
    expect(edge.server.partialBytes).toBe(0);
  });

  it('may begin together with the request', async () => {
    const { edge } = await scene();
    const peer = new RawPeer(edge.port);
    peer.write(Buffer.concat([Buffer.from(upgradeRequest()), frame(connect), frame(publish(1))]));
    await edge.taken(1);
    await until(() => peer.mqtt[0] === 0x20, 'CONNACK');
  });

  it('may begin behind the header of a load balancer, all in one piece', async () => {
    const observer = new Transports();
    const proxyProtocol = { from: ['127.0.0.1'], timeoutMs: 10_000, maxPending: 10, observer };
    const edge = await startEdge({ listener: { webSocket: optionsOf(observer), proxyProtocol } });
    const peer = new RawPeer(edge.port);
    peer.write(Buffer.concat([proxyHeader(), Buffer.from(upgradeRequest()), frame(connect), frame(publish(1))]));
    await edge.taken(1);
    expect(edge.seen.of('connectionOpened')[0]?.[0]).toMatchObject({ remoteAddress: '203.0.113.9' });
    const refused = new RawPeer(edge.port);
    refused.write(Buffer.concat([proxyHeader(), Buffer.from(upgradeRequest({}, '/other'))]));
    await refused.end();
    expect(observer.addresses).toEqual(['203.0.113.9']);
  });

  it('gives others their turn between many small frames, and answers them all', async () => {
    const { edge } = await scene({}, { maxPacketsPerTurn: 8 });
    const peer = await joined(edge);
    const count = 3_000;
    const before = peer.mqtt.length;
    peer.write(Buffer.concat(Array.from({ length: count }, () => frame(pingreq))));
    await until(() => peer.mqtt.length === before + count * pingresp.length, 'all answers');
    await serves(peer);
  });

  it('is not read above the hard watermark, and read on below it', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    edge.server.setPressure(2);
    const frames = Array.from({ length: 50 }, (_, i) => frame(publish(i + 1, 'z'.repeat(2_000))));
    peer.write(Buffer.concat(frames));
    await until(() => peer.socket.writableLength === 0, 'bytes to leave');
    expect(edge.received).toHaveLength(0);
    expect(edge.server.pausedConnections).toBe(1);
    edge.server.setPressure(0);
    await edge.taken(50);
    expect(edge.received.map(({ payload }) => payload.length)).toEqual(frames.map(() => 2_000));
    for (let i = 0; i < 50; i += 1) edge.settle(i);
    await serves(peer);
  });

  it('ends with the goodbye of MQTT and that of WebSocket when the server goes', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    edge.server.dismissAll();
    expect(await peer.closeCode()).toBe(1000);
    expect(peer.mqtt.includes(v5({ cmd: 'disconnect', reasonCode: 0x8b }))).toBe(true);
    peer.write(frame(Buffer.from([0x03, 0xe8]), { opcode: opcodes.close }));
    await peer.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['server_shutdown']);
  });

  it('ends when the peer closes the WebSocket', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    peer.write(frame(Buffer.from([0x03, 0xe8]), { opcode: opcodes.close }));
    await peer.end();
    await until(() => edge.server.sockets === 0, 'the connection to be gone');
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['network']);
  });
});

describe('a request', () => {
  const status = async (edge: Edge, request: string) => {
    const peer = new RawPeer(edge.port);
    peer.write(request);
    await until(() => peer.text.includes('\r\n\r\n') || peer.closed, 'an answer');
    return peer;
  };

  it.each([
    ['without a subprotocol', upgradeRequest({ 'Sec-WebSocket-Protocol': undefined }), 400, 'subprotocol'],
    ['for another subprotocol', upgradeRequest({ 'Sec-WebSocket-Protocol': 'chat, mqttv3.1' }), 400, 'subprotocol'],
    ['for another path', upgradeRequest({}, '/'), 404, 'path'],
    ['for a path that begins alike', upgradeRequest({}, '/mqtt/../x'), 404, 'path'],
    ['of a web page', upgradeRequest({ Origin: 'https://evil.example' }), 403, 'origin'],
    ['of a web page without a name', upgradeRequest({ Origin: 'null' }), 403, 'origin'],
    ['without a key', upgradeRequest({ 'Sec-WebSocket-Key': undefined }), 400, 'bad_request'],
    ['for an old version', upgradeRequest({ 'Sec-WebSocket-Version': '7' }), 400, 'bad_request'],
    [
      'of a web page by a draft, which names it in another header',
      upgradeRequest({ 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'https://evil.example' }),
      400,
      'bad_request',
    ],
    ['for another protocol', upgradeRequest({ Upgrade: 'h2c' }), 400, 'bad_request'],
    ['that is none', 'GET /mqtt HTTP/1.1\r\nHost: e\r\n\r\n', 426, 'no_upgrade'],
    ['that is none, elsewhere', 'GET /metrics HTTP/1.1\r\nHost: e\r\n\r\n', 404, 'path'],
    ['with a body', 'POST /mqtt HTTP/1.1\r\nHost: e\r\nContent-Length: 9999999\r\n\r\nabc', 426, 'no_upgrade'],
    ['without a host', upgradeRequest({ Host: undefined }), 400, 'bad_request'],
    ['in MQTT', '\x10\x10\x00\x04MQTT', 400, 'bad_request'],
    ['with headers without end', `GET /mqtt HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`, 400, 'bad_request'],
    ['with a second length', 'POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400, ''],
  ])('%s is answered with a bare status, counted, and closed', async (_what, request, code, reason) => {
    const { edge, transports } = await scene();
    const peer = await status(edge, request);
    expect(peer.text).toMatch(new RegExp(`^HTTP/1\\.1 ${code} [A-Za-z ]+\r\n`));
    await peer.end();
    expect(peer.text).toMatch(/\r\n\r\n$/);
    expect(peer.text).not.toMatch(/node|ws|error|at |\.ts|\.js/i);
    if (reason !== '') expect(await transports.next()).toBe(reason);
    await until(() => edge.server.upgrades === 0, 'no request to be under way');
    expect(edge.seen.of('socketAccepted')).toEqual([]);
    await joined(edge);
  });

  it('of a web page that is allowed, with other subprotocols beside and a query, is taken', async () => {
    const { edge } = await scene({ allowedOrigins: ['https://console.example'] });
    const headers = { Origin: 'https://console.example', 'Sec-WebSocket-Protocol': 'chat, mqtt' };
    const peer = await status(edge, upgradeRequest(headers, '/mqtt?x=1'));
    expect(peer.text).toMatch(/^HTTP\/1\.1 101 /);
    expect(peer.text).toMatch(/Sec-WebSocket-Protocol: mqtt\r\n/);
    expect((await status(edge, upgradeRequest({ Origin: 'http://console.example' }))).text).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('that never ends is cut off in time, however it dribbles', async () => {
    const { edge, transports } = await scene({ upgradeTimeoutMs: 100 });
    const peer = new RawPeer(edge.port);
    const dribble = setInterval(() => peer.write('X: y\r\n'), 10);
    onTestFinished(() => clearInterval(dribble));
    peer.write('GET /mqtt HTTP/1.1\r\nHost: e\r\n');
    expect(await transports.next()).toBe('timeout');
    await peer.end();
    expect(edge.server.upgrades).toBe(0);
  });

  it('beyond their number is closed, and those that go away make room', async () => {
    const { edge, transports } = await scene({ maxUpgrades: 2 });
    const waiting = [new RawPeer(edge.port), new RawPeer(edge.port)];
    await until(() => edge.server.upgrades === 2, 'two requests to be under way');
    await new RawPeer(edge.port).end();
    expect(await transports.next()).toBe('too_many');
    for (const { socket } of waiting) socket.destroy();
    await until(() => edge.server.upgrades === 0, 'the places to be free');
    expect([await transports.next(), await transports.next()]).toEqual(['aborted', 'aborted']);
    await joined(edge);
  });

  it('is not read where there are too many connections: those under way count among them', async () => {
    const { edge } = await scene({ maxUpgrades: 1_000 }, { maxConnections: 1 });
    const peers = Array.from({ length: 110 }, () => new RawPeer(edge.port));
    await until(() => peers.filter(({ closed }) => closed).length === 8, 'the sockets beyond the limit to be closed');
    expect(edge.seen.of('socketRefused')).toHaveLength(8);
    expect(edge.server.upgrades).toBe(102);
  });

  it('under way ends with the server', async () => {
    const { edge } = await scene();
    const peer = new RawPeer(edge.port);
    await until(() => edge.server.upgrades === 1, 'a request to be under way');
    await edge.server.close(0);
    await peer.end();
  });
});

describe('a hostile frame', () => {
  it.each([
    ['text', frame(connect, { opcode: opcodes.text }), 1003],
    ['without a mask', frame(pingreq, { masked: false }), 1002],
    ['compressed', frame(pingreq, { reserved: 4 }), 1002],
    ['with another reserved bit', frame(pingreq, { reserved: 1 }), 1002],
    ['of an unknown kind', frame(pingreq, { opcode: 3 }), 1002],
    ['that goes on with nothing', frame(pingreq, { opcode: opcodes.continuation }), 1002],
    ['ping in parts', frame(Buffer.alloc(1), { opcode: opcodes.ping, fin: false }), 1002],
    ['ping of 126 bytes', frame(Buffer.alloc(126), { opcode: opcodes.ping }), 1002],
    ['of 1 GiB', frame(Buffer.alloc(0), { length: 1n << 30n }), 1009],
    ['of 2⁶³ bytes', frame(Buffer.alloc(0), { length: 1n << 63n }), 1009],
  ])('%s closes the connection, and no other', async (_what, bytes, code) => {
    const { edge } = await scene();
    const other = await joined(edge, 'other');
    const hostile = await joined(edge, 'hostile');
    hostile.write(bytes);
    expect(await hostile.closeCode()).toBe(code);
    await until(() => edge.seen.of('protocolViolation').length === 1, 'the violation to be told');
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['violation']);
    edge.pass(3_000);
    await hostile.end();
    await serves(other);
    expect(edge.server.partialBytes).toBe(0);
  });

  it('of text behind a good one does not keep that from being handled', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    peer.write(
      Buffer.concat([frame(publish(1)), frame(Buffer.from('hello'), { opcode: opcodes.text }), frame(publish(2))]),
    );
    expect(await peer.closeCode()).toBe(1003);
    expect(edge.received).toHaveLength(1);
  });

  it('that ends the connection leaves nothing counted of what comes behind it', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    const begun = frame(publish(1, Buffer.alloc(50_000))).subarray(0, 20_000);
    peer.write(Buffer.concat([frame(connect), begun]));
    await until(() => edge.seen.of('connectionClosed').length === 1, 'the connection to end');
    peer.write(frame(Buffer.alloc(10)).subarray(0, 8));
    peer.socket.destroy();
    await until(() => edge.server.sockets === 0, 'the socket to be gone');
    expect(edge.server.partialBytes).toBe(0);
  });

  it('behind the end is read for the goodbye to arrive, and no more than that: who goes on sending is cut off', async () => {
    // The library waits two seconds for the peer's own goodbye, and would end it then in any case.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { edge } = await scene();
    const peer = await joined(edge);
    peer.write(frame(connect, { opcode: opcodes.text }));
    expect(await peer.closeCode()).toBe(1003);
    const chunk = frame(Buffer.alloc(60_000));
    for (let i = 0; i < 100; i += 1) peer.write(chunk);
    await peer.end();
    expect(edge.server.sockets).toBe(0);
  });

  it('that carries no MQTT is not waited for', async () => {
    const { edge } = await scene();
    const peer = await RawPeer.upgraded(edge.port);
    peer.write(frame(Buffer.from('GET / HTTP/1.1')));
    await peer.closeCode();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['not_mqtt']);
  });

  it('that never ends is bounded before CONNECT, and counted', async () => {
    const { edge } = await scene();
    const peer = await RawPeer.upgraded(edge.port);
    const whole = frame(Buffer.concat([connect, Buffer.alloc(200_000)]));
    peer.write(whole.subarray(0, 1_000));
    await until(() => edge.server.partialBytes === 1_000, 'the part to be counted');
    // What is between the packets of a client: it does not make the part less.
    for (let at = 1_000; at < 40_000; at += 1_000) peer.write(whole.subarray(at, at + 1_000));
    expect(await peer.closeCode()).toBe(1009);
    expect(edge.server.partialBytes).toBe(0);
  });

  it('that never ends counts among those that memory is taken back from', async () => {
    const { edge } = await scene({}, { maxPartialBytes: 100_000 });
    const [quiet, first, second] = [await joined(edge, 'a'), await joined(edge, 'b'), await joined(edge, 'c')];
    const whole = frame(publish(1, Buffer.alloc(150_000)));
    first.write(whole.subarray(0, 70_000));
    await until(() => edge.server.partialBytes >= 70_000, 'the first part to be counted');
    second.write(whole.subarray(0, 60_000));
    await until(() => first.closed || second.closed || first.frames.length + second.frames.length > 2, 'one to go');
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['memory_short']);
    await serves(quiet);
  });

  it('of pings without end is answered only as fast as answers are read, and counts as no part', async () => {
    const { edge } = await scene();
    const peer = await joined(edge);
    const before = peer.frames.length;
    for (let i = 0; i < 500; i += 1) peer.write(frame(Buffer.alloc(125), { opcode: opcodes.ping }));
    await until(() => peer.frames.length > before || peer.closed, 'a pong');
    await until(() => peer.frames.length === before + 500 || peer.closed, 'the pongs, or the end');
    expect(edge.server.partialBytes).toBe(0);
  });

  it('compressed is not offered to who would like it', async () => {
    const { edge } = await scene();
    const client = new WebSocket(`ws://127.0.0.1:${edge.port}/mqtt`, ['mqtt'], { perMessageDeflate: true });
    onTestFinished(() => client.terminate());
    let isOpen = false;
    client.on('open', () => {
      isOpen = true;
    });
    await until(() => isOpen, 'the WebSocket to open');
    expect([client.extensions, client.protocol]).toEqual(['', 'mqtt']);
  });
});

describe('WebSocket over TLS', () => {
  const login = { protocolVersion: 5, clientId: 'a', reconnectPeriod: 0 } as const;
  const certificateOf = async (edge: SecureEdge, name: string) => {
    const { certFile, keyFile } = await edge.folder.device(name);
    const ca = readFileSync(edge.folder.authority.certFile);
    return { ca, cert: readFileSync(certFile), key: readFileSync(keyFile) };
  };

  it('knows a device by its certificate', async () => {
    const transports = new Transports();
    const edge = await SecureEdge.start({ listener: { webSocket: optionsOf(transports) } });
    const client = await mqttJs(`wss://127.0.0.1:${edge.port}/mqtt`, { ...login, ...(await certificateOf(edge, 'a')) });
    await client.publishAsync('t', 'x', { qos: 0 });
    expect(edge.seen.of('connectionOpened')[0]?.[0]).toMatchObject({ deviceId: 'a' });
    const stranger = mqttJs(`wss://127.0.0.1:${edge.port}/mqtt`, { ...login, ...(await certificateOf(edge, 'z')) });
    await expect(stranger).rejects.toMatchObject({ code: 0x86 });
  });

  it('asks again whether the certificate was revoked, which may be since the handshake', async () => {
    const transports = new Transports();
    const edge = await SecureEdge.start({ listener: { webSocket: optionsOf(transports) } });
    const own = await edge.folder.device('a');
    const client = new SecureClient({ ...edge.clientOptions(own), ALPNProtocols: ['http/1.1'] });
    await until(() => edge.server.upgrades === 1, 'the request to be waited for');
    await edge.folder.authority.revoke('a');
    edge.server.useTls('secure', edge.folder.read());
    client.socket.write(upgradeRequest());
    await client.end();
    expect(edge.seen.of('socketAccepted')).toEqual([]);
    expect(edge.server.sockets).toBe(0);
  });

  it('shakes hands by HTTP, not by MQTT, and asks for the certificate before the request', async () => {
    const transports = new Transports();
    const edge = await SecureEdge.start({ listener: { webSocket: optionsOf(transports) } });
    const url = `wss://127.0.0.1:${edge.port}/mqtt`;
    const ca = readFileSync(edge.folder.authority.certFile);
    await expect(mqttJs(url, { ...login, ca })).rejects.toThrow();
    expect(await edge.handshake()).toBe('certificate_missing');
    const own = await edge.folder.device('a');
    const other = new SecureClient({ ...edge.clientOptions(own), ALPNProtocols: ['mqtt'] });
    await other.end();
    expect(other.received).toEqual([]);
    expect(await edge.handshake()).toBe('protocol');
    expect(transports.seen).toEqual([]);
  });

  it('goes through a load balancer, too', async () => {
    const observer = new Transports();
    const proxyProtocol = { from: ['127.0.0.1'], timeoutMs: 10_000, maxPending: 10, observer };
    const edge = await SecureEdge.start({ listener: { webSocket: optionsOf(observer), proxyProtocol } });
    const balancer = await Balancer.start(edge.port, proxyHeader({ checksum: true }), true);
    onTestFinished(() => balancer[Symbol.asyncDispose]());
    await mqttJs(`wss://127.0.0.1:${balancer.port}/mqtt`, { ...login, ...(await certificateOf(edge, 'a')) });
    expect(observer.seen).toEqual(['taken', 'upgraded']);
    expect(edge.seen.of('connectionOpened')[0]?.[0]).toMatchObject({ remoteAddress: '203.0.113.9', deviceId: 'a' });
  });
});
