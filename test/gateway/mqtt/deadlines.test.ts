import { describe, expect, it } from 'vitest';
import { dial, join, RawClient, startEdge, until } from './support.ts';

describe('the CONNECT deadline', () => {
  it('closes a connection that sends nothing', async () => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 5);
    await until(() => edge.server.sockets === 1, 'the socket');
    edge.pass(9_000);
    expect(client.closed).toBe(false);
    edge.pass(2_000);
    await client.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['connect_timeout']);
  });

  it('is not put off by a CONNECT that trickles in', async () => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 5);
    for (const byte of [0x10, 0x20, 0x00]) {
      client.write(Buffer.from([byte]));
      await until(() => edge.server.sockets === 1, 'the socket');
      edge.pass(4_000);
    }
    await client.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['connect_timeout']);
  });
});

describe('the keep-alive', () => {
  it.each([4, 5] as const)('ends a silent connection after one and a half times, in version %i', async (version) => {
    const edge = await startEdge();
    const client = await join(edge, { version, keepalive: 10 });
    edge.pass(15_000);
    await client.nothingSent();
    edge.pass(15_000);
    expect(edge.server.connections).toBe(1);
    edge.pass(1_500);
    if (version === 5) expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
    await client.end();
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['keep_alive_timeout']);
  });

  it('of 0 never ends a connection of MQTT 3.1.1', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version: 4, keepalive: 0 });
    edge.pass(10_000_000);
    await client.nothingSent();
  });

  it('is the one that the server has set', async () => {
    const edge = await startEdge({ limits: { maxKeepAliveSeconds: 10 } });
    const client = await join(edge, { keepalive: 0 });
    edge.pass(17_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
  });

  it('stands still while the gateway does not read', async () => {
    const edge = await startEdge();
    const client = await join(edge, { keepalive: 10 });
    edge.server.setPressure(2);
    for (let i = 0; i < 10; i += 1) edge.pass(15_000);
    expect(edge.server.connections).toBe(1);
    edge.server.setPressure(0);
    await until(() => edge.server.pausedConnections === 0, 'the connection to be read again');
    await client.nothingSent();
    edge.pass(17_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
  });

  it('is not renewed by bytes of a packet that never ends', async () => {
    const edge = await startEdge();
    const client = await join(edge, { keepalive: 10 });
    client.write(Buffer.from([0x32, 0xff, 0x01]));
    edge.pass(10_000);
    client.write(Buffer.from([0x00]));
    edge.pass(7_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
  });
});

describe('a stall of the process', () => {
  it('does not end connections whose packets are only unread', async () => {
    const edge = await startEdge({ sweepIntervalMs: 1_000_000 });
    const client = await join(edge, { keepalive: 10 });
    edge.pass(4_000_000);
    expect(edge.server.connections).toBe(1);
    edge.pass(1_100_000);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
  });
});

describe('a peer that does not close its side', () => {
  it('is cut off by the sweep', async () => {
    const edge = await startEdge();
    const client = dial(edge, { protocolVersion: 5, clientId: 'c1' });
    await client.next();
    client.socket.allowHalfOpen = true;
    client.write(Buffer.from([0xc1, 0x00]));
    await client.next();
    await until(() => {
      edge.pass(3_000);
      return edge.server.sockets === 0;
    }, 'the socket to be destroyed');
  });
});
