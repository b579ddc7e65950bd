import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FleetPace } from '../../../gateway/mqtt/pacing.ts';
import { makeAdmission } from '../core/limits/support.ts';
import { join, startEdge, until } from './support.ts';

const rates = { messagesPerSecond: 2, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 2 };

const limited = (changes: Partial<typeof rates> = {}) =>
  makeAdmission({}, { rates: { ...rates, ...changes }, nowMs: 1_000_000 });

describe('a device that sends more than it may', () => {
  it('is read more slowly, loses nothing, and keeps nobody else waiting', async () => {
    const { admission, events } = limited();
    const edge = await startEdge({ admission, receive: (publish) => publish.answer({ kind: 'delivered' }) });
    const loud = await join(edge, { username: 'loud', clientId: 'loud' });
    const quiet = await join(edge, { username: 'quiet', clientId: 'quiet' });
    for (let id = 1; id <= 6; id += 1) loud.publish(id);
    await until(() => edge.server.slowedConnections === 1, 'the loud one to be slowed');
    // The one that uses it up is taken as well.
    for (const messageId of [1, 2, 3]) expect(await loud.next()).toMatchObject({ cmd: 'puback', messageId });
    for (const id of [1, 2]) {
      quiet.publish(id);
      expect(await quiet.next()).toMatchObject({ cmd: 'puback', messageId: id });
    }
    for (const answers of [[4, 5], [6]]) {
      edge.pass(1000);
      for (const messageId of answers) expect(await loud.next()).toMatchObject({ cmd: 'puback', messageId });
    }
    expect(loud.packets).toEqual([]);
    expect(edge.server.slowedConnections).toBe(0);
    expect(events.seen).toEqual(['slowed loud', 'slowed loud']);
  });

  it('is not taken for silent while it is not read', async () => {
    const { admission } = limited({ bytesPerSecond: 1 });
    const edge = await startEdge({ admission });
    const client = await join(edge, { username: 'd', keepalive: 10 });
    // A hundred bytes at one a second: the rest is owed for a minute and more.
    client.publish(1, 1, { payload: Buffer.alloc(100) });
    client.send({ cmd: 'pingreq' });
    await until(() => edge.server.slowedConnections === 1, 'it to be slowed');
    for (let second = 0; second < 90; second += 1) edge.pass(1000);
    expect(client.closed).toBe(false);
    for (let second = 0; second < 20; second += 1) edge.pass(1000);
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  });

  it('is woken when its rate allows it though it was pressure that had paused it, and the rate was used up later', async () => {
    const { admission } = limited();
    const edge = await startEdge({ admission });
    const one = await join(edge, { username: 'd', clientId: 'one' });
    const two = await join(edge, { username: 'd', clientId: 'two' });
    edge.server.setPressure(1);
    // Its first publish is unsettled: under pressure it is not read further.
    one.publish(1);
    one.publish(2);
    await edge.taken(1);
    await until(() => edge.server.pausedConnections === 1, 'the first connection to be paused');
    // Nothing of the second one is unsettled: it is read, and uses up what both have.
    for (const id of [0, 0]) two.publish(id, 0);
    await until(() => edge.server.slowedConnections === 1, 'the second connection to be slowed');
    edge.settle(0);
    expect(await one.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    await until(() => edge.server.slowedConnections === 2, 'the first connection to wait for its rate');
    edge.pass(1000);
    await edge.taken(4);
    expect(edge.received.map(({ qos }) => qos)).toEqual([1, 0, 0, 1]);
  });

  it('shares its rate among its connections, and does not get a new one by connecting again', async () => {
    const { admission } = limited();
    const edge = await startEdge({ admission, receive: (publish) => publish.answer({ kind: 'delivered' }) });
    const one = await join(edge, { username: 'd', clientId: 'one' });
    one.publish(1);
    expect(await one.next()).toMatchObject({ messageId: 1 });
    const two = await join(edge, { username: 'd', clientId: 'two' });
    for (const id of [1, 2]) two.publish(id);
    expect(await two.next()).toMatchObject({ messageId: 1 });
    await until(() => edge.server.slowedConnections === 1, 'the second connection to be slowed');
    for (const client of [one, two]) client.socket.destroy();
    await until(() => edge.server.sockets === 0, 'both to be gone');
    expect(edge.server.slowedConnections).toBe(0);
    const three = await join(edge, { username: 'd', clientId: 'three' });
    three.publish(1);
    await until(() => edge.server.slowedConnections === 1, 'the third connection to be slowed');
  });

  it.each([
    [5, true],
    [4, false],
  ] as const)('over and over, many times as much: MQTT %s is disconnected with 0x96: %s', async (version, isEnded) => {
    const { admission } = limited();
    const edge = await startEdge({ admission, receive: (publish) => publish.answer({ kind: 'delivered' }) });
    const client = await join(edge, { username: 'd', version });
    // All in one read, so that they wait here and not on their way.
    client.socket.cork();
    for (let id = 1; id <= 60; id += 1) client.publish(id, 0);
    client.socket.uncork();
    await until(() => edge.server.slowedConnections === 1, 'it to be slowed');
    for (let round = 0; round < 12; round += 1) edge.pass(1000);
    if (isEnded) {
      expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x96 });
      expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['message_rate']);
      return;
    }
    for (let round = 0; round < 20; round += 1) edge.pass(1000);
    await until(() => edge.seen.of('publishReceived').length === 60, 'everything to be read');
    expect(client.closed).toBe(false);
  });
});

describe('a fleet that sends more than it may', () => {
  it('says so at once, and no longer when there is room again', async () => {
    const told: boolean[] = [];
    const edge = await startEdge({
      fleetRate: { messagesPerSecond: 2, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 0 },
      onFleetRate: (isSpent) => void told.push(isSpent),
      receive: (publish) => publish.answer({ kind: 'delivered' }),
    });
    const client = await join(edge);
    client.socket.cork();
    for (let id = 1; id <= 4; id += 1) client.publish(id);
    client.socket.uncork();
    await until(() => told.length === 1, 'the rate to be used up');
    for (const messageId of [1, 2, 3]) expect(await client.next()).toMatchObject({ messageId });
    expect(edge.server.pausedConnections).toBe(1);
    edge.monotonicMs += 1000;
    expect(await client.next()).toMatchObject({ messageId: 4 });
    expect(told[1]).toBe(false);
  });

  it('is held, which is no pressure: neither of them lets go what the other holds', async () => {
    const told: boolean[] = [];
    const edge = await startEdge({
      fleetRate: { messagesPerSecond: 2, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 0 },
      onFleetRate: (isSpent) => void told.push(isSpent),
      receive: (publish) => publish.answer({ kind: 'delivered' }),
    });
    const client = await join(edge);
    for (let id = 1; id <= 8; id += 1) client.publish(id);
    await until(() => edge.server.isFleetHeld, 'the rate to be used up');
    for (const messageId of [1, 2, 3]) expect(await client.next()).toMatchObject({ messageId });
    // Pressure comes and goes, and the fleet is held all the same.
    edge.server.setPressure(2);
    edge.server.setPressure(0);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(edge.seen.of('publishReceived')).toHaveLength(3);
    expect(edge.server.pausedConnections).toBe(1);
    // There is room again, and the pressure holds all the same.
    edge.server.setPressure(2);
    edge.monotonicMs += 1000;
    await until(() => !edge.server.isFleetHeld, 'the fleet to be let go');
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(edge.seen.of('publishReceived')).toHaveLength(3);
    expect(edge.server.pausedConnections).toBe(1);
    edge.server.setPressure(0);
    expect(await client.next()).toMatchObject({ messageId: 4 });
    expect(told.slice(0, 2)).toEqual([true, false]);
  });

  it('goes on when there is room for a while, not for each message', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let nowMs = 0;
    const told: boolean[] = [];
    const limits = { messagesPerSecond: 100, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 0 };
    const pace = new FleetPace(
      limits,
      () => nowMs,
      (isSpent) => void told.push(isSpent),
    );
    const pass = (ms: number): void => {
      nowMs += ms;
      vi.advanceTimersByTime(ms);
    };
    for (let i = 0; i < 101; i += 1) pace.take(1);
    expect(told).toEqual([true]);
    // Room for four by now.
    pass(50);
    expect(told).toEqual([true]);
    pass(100);
    expect(told).toEqual([true, false]);
    pace.close();
  });
});
