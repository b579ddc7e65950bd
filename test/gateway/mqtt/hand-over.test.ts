import { describe, expect, it } from 'vitest';
import type { AuthResult } from '../../../gateway/mqtt/context.ts';
import { reasonCodes } from '../../../gateway/mqtt/reason-codes.ts';
import { dial, join, type RawClient, startEdge, until } from './support.ts';

const serverReference = 'gateway-b:1883 gateway-c:1883';
const elsewhere = { code: reasonCodes.useAnotherServer, serverReference };
const atOnce = { connectionsPerSecond: 1_000_000, deadlineMs: 15_000 };

/** Moves the clock on while the hand-over's own timer runs. */
async function finished(edge: { monotonicMs: number }, handOver: Promise<number>, stepMs: number): Promise<number> {
  const clock = setInterval(() => (edge.monotonicMs += stepMs), 1);
  return handOver.finally(() => clearInterval(clock));
}

describe('a hand-over', () => {
  it('answers what was read, reads no more, and then names the other server', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(1);
    await edge.taken(1);
    edge.server.announceFarewell(elsewhere);
    const handOver = edge.server.handOver(atOnce);
    expect(edge.server.pausedConnections).toBe(1);
    client.publish(2);
    await until(() => client.socket.writableLength === 0, 'the second publish to leave');
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({
      cmd: 'disconnect',
      reasonCode: 0x9c,
      properties: { serverReference },
    });
    expect(await handOver).toBe(0);
    expect(edge.received).toHaveLength(1);
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['server_shutdown']);
  });

  it('tells a device with nothing unsettled at once, and closes one of 3.1.1 without a word', async () => {
    const edge = await startEdge();
    const five = await join(edge, { clientId: 'five' });
    const four = await join(edge, { clientId: 'four', version: 4 });
    edge.server.announceFarewell({ code: reasonCodes.serverMoved, serverReference });
    expect(await edge.server.handOver(atOnce)).toBe(0);
    expect(await five.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x9d, properties: { serverReference } });
    await four.end();
    expect(four.packets).toEqual([]);
  });

  it('answers a QoS 2 publish with PUBREC; the other gateway ends its exchange', async () => {
    const [edge, other] = [await startEdge(), await startEdge()];
    const client = await join(edge);
    client.publish(1, 2);
    await edge.taken(1);
    edge.server.announceFarewell(elsewhere);
    const handOver = edge.server.handOver(atOnce);
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x9c });
    expect(await handOver).toBe(0);
    const moved = await join(other, { clean: false });
    moved.send({ cmd: 'pubrel', messageId: 1 });
    expect(await moved.next()).toMatchObject({ cmd: 'pubcomp', messageId: 1, reasonCode: 0x92 });
    expect(other.received).toEqual([]);
  });

  it('says 0x8B where no other server is known', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    await edge.server.handOver(atOnce);
    const packet = await client.next();
    expect(packet).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    expect(packet).not.toHaveProperty('properties.serverReference');
  });

  it('leaves the reference out where the device takes no packet that large', async () => {
    const edge = await startEdge();
    const client = await join(edge, { properties: { maximumPacketSize: 80 } });
    edge.server.announceFarewell({ ...elsewhere, serverReference: 'x'.repeat(100) });
    await edge.server.handOver(atOnce);
    const packet = await client.next();
    expect(packet).toMatchObject({ cmd: 'disconnect', reasonCode: 0x9c });
    expect(packet).not.toHaveProperty('properties.serverReference');
  });

  it('keeps its pace, and serves every device until its turn', async () => {
    const edge = await startEdge();
    const clients: RawClient[] = [];
    for (let i = 0; i < 10; i += 1) clients.push(await join(edge, { clientId: `c${i}` }));
    const handOver = edge.server.handOver({ connectionsPerSecond: 10, deadlineMs: 60_000 });
    expect(edge.server.connections).toBe(9);
    await clients[9]?.nothingSent();
    clients[9]?.publish(1);
    await edge.taken(1);
    edge.settle(0);
    expect(await clients[9]?.next()).toMatchObject({ cmd: 'puback' });
    const startedAtMs = edge.monotonicMs;
    expect(await finished(edge, handOver, 1)).toBe(0);
    expect(edge.monotonicMs - startedAtMs).toBeGreaterThanOrEqual(850);
    for (const client of clients) expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
  });

  it('goes faster than its pace when the deadline demands it', async () => {
    const edge = await startEdge();
    for (let i = 0; i < 10; i += 1) await join(edge, { clientId: `c${i}` });
    const startedAtMs = edge.monotonicMs;
    const handOver = edge.server.handOver({ connectionsPerSecond: 1, deadlineMs: 1000 });
    expect(await finished(edge, handOver, 1)).toBe(0);
    expect(edge.monotonicMs - startedAtMs).toBeLessThanOrEqual(1000);
  });

  it('ends at its deadline with those whose publishes are unsettled, who are told by dismissAll', async () => {
    const edge = await startEdge();
    const busy = await join(edge, { clientId: 'busy' });
    const quiet = await join(edge, { clientId: 'quiet' });
    busy.publish(1);
    await edge.taken(1);
    const handOver = edge.server.handOver({ ...atOnce, deadlineMs: 500 });
    expect(await finished(edge, handOver, 10)).toBe(1);
    expect(await quiet.next()).toMatchObject({ cmd: 'disconnect' });
    expect(busy.packets).toEqual([]);
    edge.server.dismissAll();
    expect(await busy.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  });

  it('does not publish wills: the device is about to connect elsewhere', async () => {
    const edge = await startEdge();
    await join(edge, { will: { topic: 'v1/vehicles/v1/telemetry', payload: Buffer.from('gone'), qos: 1 } });
    await edge.server.handOver(atOnce);
    edge.pass(10_000);
    expect(edge.received).toEqual([]);
  });

  it('lets everybody else go when an error of our own befalls one of them', async () => {
    const edge = await startEdge();
    const clients = [await join(edge, { clientId: 'a' }), await join(edge, { clientId: 'b' })];
    for (const client of clients) client.publish(1);
    await edge.taken(2);
    edge.settle(0, { kind: 'rejected' } as never);
    edge.settle(1);
    edge.server.dismissAll();
    await Promise.all(clients.map((client) => client.end()));
    expect(edge.seen.of('internalError')).toHaveLength(1);
    expect(clients[0]?.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x80 }]);
    expect(clients[1]?.packets).toMatchObject([{ cmd: 'puback' }, { cmd: 'disconnect', reasonCode: 0x8b }]);
  });

  it('under the hard watermark lets those go who wait for no answer', async () => {
    const edge = await startEdge();
    const quiet = await join(edge, { clientId: 'quiet' });
    const busy = await join(edge, { clientId: 'busy' });
    busy.publish(1);
    await edge.taken(1);
    edge.server.setPressure(2);
    const handOver = edge.server.handOver(atOnce);
    expect(await quiet.next()).toMatchObject({ cmd: 'disconnect' });
    busy.publish(2);
    await until(() => busy.socket.writableLength === 0, 'the second publish to leave');
    edge.server.setPressure(0);
    edge.settle(0);
    expect(await busy.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await busy.next()).toMatchObject({ cmd: 'disconnect' });
    expect(await handOver).toBe(0);
    expect(edge.received).toHaveLength(1);
  });

  it('closes a socket that has said nothing yet', async () => {
    const edge = await startEdge();
    const silent = dial(edge);
    await until(() => edge.server.sockets === 1, 'the socket');
    expect(await edge.server.handOver(atOnce)).toBe(0);
    await silent.end();
  });
});

describe('CONNECT to a gateway that is going away', () => {
  it('is answered 0x9C with the reference in 5.0, and served in 3.1.1, while it still accepts', async () => {
    const edge = await startEdge();
    const present = await join(edge, { clientId: 'present' });
    edge.server.announceFarewell(elsewhere);
    const refused = dial(edge, { clientId: 'new' });
    expect(await refused.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x9c, properties: { serverReference } });
    await refused.end();
    await join(edge, { clientId: 'old', version: 4 });
    await present.nothingSent();
  });

  it('is served while it still accepts, when no other server is known', async () => {
    const edge = await startEdge();
    edge.server.announceFarewell({ code: reasonCodes.serverShuttingDown, serverReference: '' });
    await (await join(edge)).nothingSent();
  });

  it.each([
    [5, undefined, { reasonCode: 0x88 }],
    [5, elsewhere, { reasonCode: 0x9c, properties: { serverReference } }],
    [4, elsewhere, { returnCode: 3 }],
  ] as const)('that was being authenticated is refused, MQTT %i, %o', async (version, farewell, answer) => {
    const asked = Promise.withResolvers<AuthResult>();
    const edge = await startEdge({ authenticate: () => asked.promise });
    const client = dial(edge, { version });
    await until(() => edge.server.sockets === 1 && client.socket.bytesWritten > 0, 'CONNECT to leave');
    await until(() => edge.server.connections === 0 && client.socket.writableLength === 0, 'CONNECT to arrive');
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (farewell !== undefined) edge.server.announceFarewell(farewell);
    await edge.server.handOver(atOnce);
    expect(await client.next()).toMatchObject({ cmd: 'connack', ...answer });
    await client.end();
  });
});
