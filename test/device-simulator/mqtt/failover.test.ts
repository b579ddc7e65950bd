import type { Packet } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFleet } from '../../../device-simulator/core/fleet.ts';
import { GatewayAddresses } from '../../../device-simulator/mqtt/addresses.ts';
import { FakeServer, type FakeServerOptions } from './fake-server.ts';
import { connected, encode, sequenceOf, start, until } from './publishing.ts';

async function second(options: FakeServerOptions = {}): Promise<FakeServer> {
  const server = await FakeServer.start(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const addressesOf = (...servers: readonly FakeServer[]) =>
  new GatewayAddresses(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
const refused = (reasonCode: number, serverReference?: string) => (): Packet => ({
  cmd: 'connack',
  sessionPresent: false,
  reasonCode,
  properties: serverReference === undefined ? {} : { serverReference },
});

describe('a fleet with several gateways', () => {
  it('spreads over them', async () => {
    const [a, b] = [await second(), await second()];
    const devices = createFleet({ vehicles: 4, bays: 0, runId: 1 });
    const { publisher } = await start({}, { addresses: addressesOf(a, b), devices });
    await until('every device to be connected', () => publisher.connected === 4);
    expect([a.connections.length, b.connections.length]).toEqual([2, 2]);
  });

  it('goes to the next one when a connection is lost, and sends there again what has no answer', async () => {
    const [a, b] = [await second({ onPublish: (_publish, { drop }) => drop() }), await second()];
    const { publisher } = await start({}, { addresses: addressesOf(a, b) });
    await connected(publisher);
    publisher.publish(0, performance.now(), encode);
    await until('the acknowledgement', () => publisher.counts.acknowledged === 1);
    expect(b.publishes).toMatchObject([{ dup: true, packetId: 1 }]);
  });

  it('goes where it is sent by DISCONNECT: use another server', async () => {
    const [a, b, c] = [await second(), await second(), await second()];
    const { publisher } = await start({}, { addresses: addressesOf(a, b, c) });
    await connected(publisher);
    a.connections[0]?.send({
      cmd: 'disconnect',
      reasonCode: 0x9c,
      properties: { serverReference: `127.0.0.1:${c.port}` },
    });
    await until('the connection to the third', () => c.connections.length === 1 && publisher.connected === 1);
    expect(b.connections).toHaveLength(0);
    expect(publisher.reasons).toEqual([['server DISCONNECT 0x9c use another server', 1]]);
  });

  it('goes where it is sent by CONNACK: server moved', async () => {
    const c = await second();
    const a = await second({ connack: refused(0x9d, `127.0.0.1:${c.port}`) });
    const b = await second();
    const { publisher } = await start({}, { addresses: addressesOf(a, b, c) });
    await until('the connection to the third', () => c.connections.length === 1 && publisher.connected === 1);
    expect(b.connections).toHaveLength(0);
    expect(publisher.counts).toMatchObject({ failedConnects: 1, finalRefusals: 0 });
  });

  it('does not let itself be sent to a server that it does not know', async () => {
    const stranger = await second();
    const a = await second({ connack: refused(0x9c, `127.0.0.1:${stranger.port}`) });
    const b = await second();
    const { publisher } = await start({}, { addresses: addressesOf(a, b) });
    await until('the connection to the second', () => b.connections.length === 1 && publisher.connected === 1);
    expect(stranger.connections).toHaveLength(0);
  });
});

describe('a connection that is broken on purpose', () => {
  it('within a PUBLISH: the server never has the whole of it, and gets it again', async () => {
    const { publisher, fake } = await start();
    await connected(publisher);
    expect(publisher.breakConnections(1, 'mid-publish')).toBe(1);
    publisher.publish(0, performance.now(), encode);
    publisher.publish(0, performance.now(), encode);
    await until('both acknowledgements', () => publisher.counts.acknowledged === 2);
    expect(fake.publishes.map(({ connection, payload, dup }) => [connection, sequenceOf(payload), dup])).toEqual([
      [1, 1, true],
      [1, 2, false],
    ]);
    expect(publisher.counts).toMatchObject({ sent: 2, resent: 1, disconnects: 1 });
  });

  it('right after a PUBLISH: the server has it, its acknowledgement finds nobody, and it comes again', async () => {
    const { publisher, fake } = await start();
    await connected(publisher);
    publisher.breakConnections(1, 'before-puback');
    publisher.publish(0, performance.now(), encode);
    await until('the acknowledgement', () => publisher.counts.acknowledged === 1);
    expect(fake.publishes.map(({ connection, dup }) => [connection, dup])).toEqual([
      [0, false],
      [1, true],
    ]);
    expect(publisher.counts).toMatchObject({ sent: 1, resent: 1, acknowledged: 1, disconnects: 1 });
  });

  it('at once, and only where there is one', async () => {
    const { publisher, fake } = await start();
    await connected(publisher);
    expect(publisher.breakConnections(1, 'plain')).toBe(1);
    expect(publisher.breakConnections(1, 'plain')).toBe(0);
    await until('the reconnect', () => fake.connections.length === 2 && publisher.connected === 1);
    expect(publisher.reasons).toEqual([['reset on purpose', 1]]);
  });
});
