import { describe, expect, it } from 'vitest';
import { dial, join, type RawClient, startEdge, until } from './support.ts';

const pingreqs = (count: number): Buffer => Buffer.alloc(2 * count, Buffer.from([0xc0, 0x00]));

describe('one loud device among quiet ones', () => {
  it('has its share of a turn of the event loop, and no more, however much has arrived', async () => {
    const order: string[] = [];
    const edge = await startEdge({
      limits: { maxPacketsPerTurn: 10 },
      receive: (publish) => {
        order.push(publish.identity.deviceId);
        publish.answer({ kind: 'delivered' });
      },
    });
    const loud = await join(edge, { clientId: 'loud' });
    const quiet = await join(edge, { clientId: 'quiet' });
    // One write each, so that both are there to be read in the same turn.
    loud.socket.cork();
    for (let id = 1; id <= 200; id += 1) loud.publish(id, 0);
    loud.socket.uncork();
    quiet.publish(1);
    await until(() => order.length === 201, 'every publish to be taken');
    expect(order.indexOf('quiet')).toBeLessThan(60);
  });

  it('is read to its end all the same, in order', async () => {
    const edge = await startEdge({ limits: { maxPacketsPerTurn: 3, maxOutgoingBytes: 1_000_000 } });
    const client = await join(edge);
    client.socket.cork();
    for (let id = 1; id <= 50; id += 1) client.publish(id);
    client.socket.uncork();
    await edge.taken(50);
    expect(edge.received.map(({ payload }) => String(payload))).toEqual(
      Array.from({ length: 50 }, (_, index) => `m${index + 1}`),
    );
    client.write(pingreqs(40_000));
    let answers = 0;
    while (answers < 40_000) {
      await client.next();
      answers += 1;
    }
  });

  it('keeps its share through a pause that comes in between', async () => {
    const edge = await startEdge({ limits: { maxPacketsPerTurn: 2 } });
    const client = await join(edge);
    client.socket.cork();
    for (let id = 1; id <= 30; id += 1) client.publish(id, 0);
    client.socket.uncork();
    await edge.taken(2);
    edge.server.setPressure(2);
    const before = edge.received.length;
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(edge.received).toHaveLength(before);
    edge.server.setPressure(0);
    await edge.taken(30);
    await client.nothingSent();
  });

  it.each([4, 5] as const)('is not read beyond its share of unsettled bytes, MQTT %i', async (version) => {
    const edge = await startEdge({ limits: { maxInFlightBytes: 1000 } });
    const loud = await join(edge, { clientId: 'loud', version });
    const quiet = await join(edge, { clientId: 'quiet' });
    const payload = Buffer.alloc(400);
    for (let id = 1; id <= 6; id += 1) loud.publish(id, 1, { payload });
    await until(() => edge.server.pausedConnections === 1, 'the loud connection to be paused');
    expect(edge.received).toHaveLength(3);
    quiet.publish(1);
    await edge.taken(4);
    edge.settle(0);
    await edge.taken(5);
    for (let index = 1; index < 5; index += 1) edge.settle(index);
    await edge.taken(7);
    for (let index = 5; index < 7; index += 1) edge.settle(index);
    for (let id = 1; id <= 6; id += 1) expect(await loud.next()).toMatchObject({ cmd: 'puback', messageId: id });
    expect(edge.server.pausedConnections).toBe(0);
  });

  it('may send one publish that is larger than its share', async () => {
    const edge = await startEdge({ limits: { maxInFlightBytes: 1000 } });
    const client = await join(edge);
    client.publish(1, 1, { payload: Buffer.alloc(5000) });
    await edge.taken(1);
  });

  it('waits behind those who waited longer when the pressure falls', async () => {
    const order: string[] = [];
    const edge = await startEdge({
      receive: (publish) => {
        edge.received.push(publish);
        order.push(publish.identity.deviceId);
        edge.server.setPressure(2);
      },
    });
    const clients: RawClient[] = [];
    for (const clientId of ['a', 'b', 'c']) clients.push(await join(edge, { clientId }));
    edge.server.setPressure(2);
    for (const client of clients) for (let id = 1; id <= 3; id += 1) client.publish(id);
    await until(() => clients.every(({ socket }) => socket.writableLength === 0), 'bytes to leave');
    for (let round = 1; round <= 9; round += 1) {
      for (const publish of edge.received) publish.answer({ kind: 'delivered' });
      edge.received.length = 0;
      edge.server.setPressure(0);
      await until(() => order.length === round, 'the next publish');
    }
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']);
  });
});

describe('packets that never end', () => {
  /** The first half of a PUBLISH of `total` bytes. */
  const half = (total: number): Buffer => {
    const packet = Buffer.alloc(total / 2);
    packet[0] = 0x32;
    packet[1] = ((total - 4) & 0x7f) | 0x80;
    packet[2] = (((total - 4) >> 7) & 0x7f) | 0x80;
    packet[3] = (total - 4) >> 14;
    return packet;
  };

  it('cost the one who holds most of them its connection, with 0x97, when all together take too much', async () => {
    const edge = await startEdge({ limits: { maxPartialBytes: 100_000 } });
    const small = await join(edge, { clientId: 'small' });
    const large = await join(edge, { clientId: 'large' });
    large.write(half(130_000));
    await until(() => edge.server.partialBytes >= 65_000, 'the first half to arrive');
    small.write(half(90_000));
    expect(await large.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x97 });
    await until(() => edge.server.connections === 1, 'one connection to be left');
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['memory_short']);
    expect(edge.server.partialBytes).toBeLessThan(100_000);
    small.socket.destroy();
    await until(() => edge.server.partialBytes === 0, 'nothing to be left of it');
  });

  it('are no longer counted once they have ended', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    const whole = Buffer.concat([half(40_000), Buffer.alloc(20_000)]);
    whole.set([0, 24, ...Buffer.from('v1/vehicles/v1/telemetry'), 0, 1, 0], 4);
    client.write(whole.subarray(0, 2000));
    await until(() => edge.server.partialBytes > 0, 'the first half to arrive');
    client.write(whole.subarray(2000));
    await edge.taken(1);
    expect(edge.server.partialBytes).toBe(0);
  });
});

describe('who connects under pressure', () => {
  const limits = { receiveMaximum: 64, maxInFlightPerConnection: 64, receiveMaximumUnderPressure: 2 };

  it('may have less in flight, for as long as it stays; who comes afterwards has the usual again (5.0)', async () => {
    const edge = await startEdge({ limits });
    const granted = async (clientId: string) => {
      const client = await join(edge, { clientId });
      return { client, connection: edge.seen.of('connectionOpened').at(-1)?.[0] as { receiveMaximum: number } };
    };
    edge.server.setPressure(1);
    expect((await granted('during')).connection.receiveMaximum).toBe(2);
    edge.server.setPressure(0);
    expect((await granted('after')).connection.receiveMaximum).toBe(64);
  });

  it('is not read further when it sends more all the same, as a client does that sends again what is in flight', async () => {
    const edge = await startEdge({ limits });
    edge.server.setPressure(1);
    const client = await join(edge);
    edge.server.setPressure(0);
    for (let id = 1; id <= 20; id += 1) client.publish(id);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(edge.received).toHaveLength(3);
    for (let id = 1; id <= 20; id += 1) {
      await edge.taken(id);
      edge.settle(id - 1);
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: id });
    }
    await client.nothingSent();
  });

  it('is read with all that it may have in flight: its PINGREQ is answered', async () => {
    const edge = await startEdge({ limits });
    edge.server.setPressure(1);
    const client = await join(edge);
    edge.server.setPressure(0);
    for (let id = 1; id <= 2; id += 1) client.publish(id);
    await client.nothingSent();
    expect(edge.received).toHaveLength(2);
  });

  it('breaks the standard only above the usual receive maximum', async () => {
    const edge = await startEdge({ limits: { ...limits, receiveMaximum: 4 } });
    edge.server.setPressure(1);
    const client = await join(edge);
    edge.server.setPressure(0);
    for (let id = 1; id <= 4; id += 1) {
      client.publish(id, 2);
      await edge.taken(id);
      edge.settle(id - 1);
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: id });
    }
    client.publish(5, 2);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
  });

  it('is announced in CONNACK', async () => {
    const edge = await startEdge({ limits });
    edge.server.setPressure(1);

    expect(await dial(edge).next()).toMatchObject({ cmd: 'connack', properties: { receiveMaximum: 2 } });
  });

  it('is not read beyond that in 3.1.1', async () => {
    const edge = await startEdge({ limits });
    edge.server.setPressure(1);
    const client = await join(edge, { version: 4 });
    edge.server.setPressure(0);
    for (let id = 1; id <= 5; id += 1) client.publish(id);
    await until(() => edge.server.pausedConnections === 1, 'the connection to be paused');
    expect(edge.received).toHaveLength(2);
  });
});

describe('when the memory is short', () => {
  it('CONNECT is refused before anybody is asked who it is: 0x97, or 3 in 3.1.1', async () => {
    let asked = 0;
    const edge = await startEdge({
      authenticate: async () => {
        asked += 1;
        return { identity: { deviceId: 'd', kind: 'vehicle', boundTo: 'v1' } };
      },
    });

    const present = await join(edge);
    edge.server.setMemoryShort(true);
    expect(await dial(edge, { clientId: 'five' }).next()).toMatchObject({ cmd: 'connack', reasonCode: 0x97 });
    expect(await dial(edge, { clientId: 'four', version: 4 }).next()).toMatchObject({ cmd: 'connack', returnCode: 3 });
    expect(asked).toBe(1);
    await present.nothingSent();
    edge.server.setMemoryShort(false);
    await join(edge, { clientId: 'again' });
  });

  it('the connections that hold most are cut off, and no more than it takes', async () => {
    const edge = await startEdge();
    const quiet = await join(edge, { clientId: 'quiet' });
    const loud = [await join(edge, { clientId: 'a' }), await join(edge, { clientId: 'b' })];
    edge.server.setPressure(2);
    loud[0]?.write(pingreqs(3000));
    loud[1]?.write(pingreqs(20_000));
    await until(() => loud.every((client) => client.socket.writableLength === 0), 'bytes to leave');
    await until(() => edge.server.cutOffHeaviest(1) === 1, 'the first one to be cut off');
    await loud[1]?.end();
    expect(edge.server.connections).toBe(2);
    expect(edge.server.cutOffHeaviest(1_000_000)).toBe(1);
    expect(edge.server.cutOffHeaviest(1_000_000)).toBe(0);
    edge.server.setPressure(0);
    await quiet.nothingSent();
  });
});
