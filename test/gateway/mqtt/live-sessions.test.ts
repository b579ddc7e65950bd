import { describe, expect, it } from 'vitest';
import { dial, join, startEdge } from './support.ts';

const will = { topic: 'v1/vehicles/v1/telemetry', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} };

describe('live sessions', () => {
  it('are those of devices that were let in, with what is known of them', async () => {
    const edge = await startEdge();
    dial(edge, { username: 'dev-0', password: 'x', clientId: 'c0', properties: { authenticationMethod: 'none' } });
    const client = await join(edge, { username: 'dev-1', password: 'x', clientId: 'c1', will });
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'v1/vehicles/v1/commands', qos: 1 }] });
    await client.next();
    client.publish(2);
    await edge.taken(1);
    const { sessions, next } = edge.server.liveSessions.page({ after: '', limit: 10 });
    expect(next).toBeUndefined();
    expect(sessions).toMatchObject([
      {
        ...{ clientId: 'c1', deviceId: 'dev-1', kind: 'vehicle', boundTo: 'v1', listener: 'test', version: '5.0' },
        ...{ remoteAddress: '127.0.0.1', connectedAtMs: 1_700_000_000_000, inFlight: 1, subscriptionCount: 1 },
      },
    ]);
    const id = sessions[0]?.id ?? '';
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(edge.server.liveSessions.find(id)).toMatchObject({
      ...{ id, keepAliveSeconds: 60, receiveMaximum: 64, hasWill: true, isPaused: false, unansweredBytes: 2 },
      subscriptions: [{ filter: 'v1/vehicles/v1/commands', qos: 1 }],
    });
    edge.settle(0);
    await client.next();
    expect(edge.server.liveSessions.find(id)).toMatchObject({ inFlight: 0, unansweredBytes: 0 });
  });

  it('show the groups that their devices had when they connected', async () => {
    const groups: Record<string, readonly string[]> = { 'dev-1': ['depot-7', 'pilot'] };
    const edge = await startEdge({
      authenticate: async ({ username = '' }) => ({
        identity: { deviceId: username, kind: 'vehicle', boundTo: 'v1', groups: groups[username] },
      }),
    });
    for (const username of ['dev-1', 'dev-2']) await join(edge, { username, password: 'x', clientId: username });
    const { sessions } = edge.server.liveSessions.page({ after: '', limit: 10 });
    expect(sessions.map((facts) => facts.groups)).toEqual([['depot-7', 'pilot'], []]);
    expect(edge.server.liveSessions.find(sessions[0]?.id ?? '')).toMatchObject({ groups: ['depot-7', 'pilot'] });
  });

  it('come in pages, each once, of whatever size', async () => {
    const edge = await startEdge();
    const names = Array.from({ length: 23 }, (_, index) => `c-${index}`);
    for (const clientId of names) await join(edge, { username: `dev-${clientId}`, password: 'x', clientId });
    for (const limit of [1, 2, 5, 23, 100]) {
      const seen: string[] = [];
      let after: string | undefined = '';
      while (after !== undefined) {
        const page: { sessions: { clientId: string }[]; next: string | undefined } = edge.server.liveSessions.page({
          after,
          limit,
        });
        expect(page.sessions.length).toBeLessThanOrEqual(limit);
        seen.push(...page.sessions.map(({ clientId }) => clientId));
        after = page.next;
      }
      expect(seen.toSorted()).toEqual(names.toSorted());
    }
    const { sessions } = edge.server.liveSessions.page({ after: '', limit: 10, deviceId: 'dev-c-7' });
    expect(sessions).toMatchObject([{ clientId: 'c-7' }]);
  });

  it.each([4, 5] as const)('are ended by an administrator, in version %i, with their will', async (version) => {
    const edge = await startEdge();
    const device = { username: 'dev-1', password: 'x', version };
    const ended = await join(edge, { ...device, clientId: 'c1', will });
    const other = await join(edge, { ...device, clientId: 'c2' });
    const stranger = await join(edge, { ...device, username: 'dev-2', clientId: 'c1' });
    const [first] = edge.server.liveSessions.page({ after: '', limit: 10, deviceId: 'dev-1' }).sessions;
    expect(edge.server.liveSessions.disconnect(first?.id ?? '')).toBe(true);
    if (version === 5) expect(await ended.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x98 });
    await ended.end();
    await edge.taken(1);
    expect(edge.seen.of('connectionClosed')).toMatchObject([[{ clientId: 'c1' }, 'administrative_action']]);
    expect(edge.server.liveSessions.disconnect(first?.id ?? '')).toBe(false);
    await other.nothingSent();
    await stranger.nothingSent();
  });

  it('are not found by what is no id', async () => {
    const edge = await startEdge();
    await join(edge, { username: 'dev-1', password: 'x' });
    for (const id of ['', '_', 'AAAA', 'constructor', '../..', '%00']) {
      expect(edge.server.liveSessions.find(id)).toBeUndefined();
      expect(edge.server.liveSessions.disconnect(id)).toBe(false);
    }
  });
});
