import { describe, expect, it } from 'vitest';
import { join, startEdge, until } from './support.ts';

describe('above the soft watermark', () => {
  it('a connection with unsettled publishes is not read further, not even the rest of a chunk', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    edge.server.setPressure(1);
    for (const id of [1, 2, 3]) client.publish(id);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(edge.received).toHaveLength(1);
    for (let i = 0; i < 3; i += 1) {
      edge.settle(i);
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: i + 1 });
      if (i < 2) await edge.taken(i + 2);
      expect(edge.received).toHaveLength(Math.min(i + 2, 3));
    }
    await client.nothingSent();
  });

  it('a quiet connection is still read: its PINGREQ is answered and its publish taken', async () => {
    const edge = await startEdge();
    const busy = await join(edge, { clientId: 'busy' });
    const quiet = await join(edge, { clientId: 'quiet' });
    busy.publish(1);
    await edge.taken(1);
    edge.server.setPressure(1);
    await quiet.nothingSent();
    quiet.publish(1);
    await edge.taken(2);
    busy.send({ cmd: 'pingreq' });
    await until(() => edge.server.pausedConnections === 1, 'the busy connection to be paused');
    expect(busy.packets).toEqual([]);
  });

  it('reading goes on when the pressure falls, unsettled publishes or not', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    edge.server.setPressure(1);
    client.publish(1);
    client.publish(2);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    edge.server.setPressure(0);
    await edge.taken(2);
    await client.nothingSent();
  });

  it('takes effect inside a chunk', async () => {
    const edge = await startEdge({
      receive: (publish) => {
        edge.received.push(publish);
        if (edge.received.length === 2) edge.server.setPressure(1);
      },
    });
    const client = await join(edge);
    for (let id = 1; id <= 9; id += 1) client.publish(id);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(edge.received).toHaveLength(2);
  });
});

describe('above the hard watermark', () => {
  it('no socket is read, and all are again when it is over', async () => {
    const edge = await startEdge();
    const clients = [await join(edge, { clientId: 'a' }), await join(edge, { clientId: 'b' })];
    edge.server.setPressure(2);
    expect(edge.server.pausedConnections).toBe(2);
    for (const client of clients) client.publish(1);
    for (const client of clients) client.send({ cmd: 'pingreq' });
    await until(() => clients.every((client) => client.socket.writableLength === 0), 'bytes to leave');
    expect(edge.received).toHaveLength(0);
    edge.server.setPressure(0);
    await edge.taken(2);
    for (const client of clients) expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
    expect(edge.server.pausedConnections).toBe(0);
  });

  it('answers still go out', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(1);
    await edge.taken(1);
    edge.server.setPressure(2);
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  });

  it('new connections wait for their turn', async () => {
    const edge = await startEdge();
    edge.server.setPressure(2);
    const joining = join(edge);
    await until(() => edge.server.pausedConnections === 1, 'the new connection to be paused');
    edge.pass(60_000);
    edge.server.setPressure(1);
    await joining;
  });
});

describe('the end of the server', () => {
  it('comes source first: stops reading, still answers, then disconnects with 0x8B', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    const old = await join(edge, { version: 4, clientId: 'old' });
    client.publish(1);
    await edge.taken(1);
    edge.server.stopAccepting();
    edge.server.stopReading();
    client.publish(2);
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    edge.server.setPressure(1);
    edge.server.setPressure(0);
    expect(edge.received).toHaveLength(1);
    edge.server.dismissAll();
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    await old.end();
    expect(old.packets).toEqual([]);
    await edge.server.close();
    expect(edge.server.sockets).toBe(0);
  });

  it('writes what is settled before it disconnects', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(1);
    await edge.taken(1);
    edge.settle(0);
    edge.server.dismissAll();
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
  });
});
