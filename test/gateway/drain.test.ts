import { describe, expect, it } from 'vitest';
import { delivered } from '../../gateway/core/outcome.ts';
import { drain, farewellOf, type ShutdownSettings } from '../../gateway/drain.ts';
import { type Edge, join, startEdge } from './mqtt/support.ts';
import { Captured } from './observability/captured.ts';

const settings: ShutdownSettings = {
  readinessDelayMs: 0,
  drainDeadlineMs: 60_000,
  disconnectsPerSecond: 1_000_000,
  serverReference: '',
  serverMoved: false,
};

/** Drains `edge`; what is to be settled at the end is settled by `settle`. Resolves with the result and the log's steps. */
async function drained(edge: Edge, change: Partial<ShutdownSettings>, settle: (deadlineMs: number) => Promise<number>) {
  const { observability, lines } = new Captured();
  const { lifecycle } = observability;
  const left = await drain({ mqtt: edge.server, settings: { ...settings, ...change }, lifecycle, settle });
  return { left, steps: lines.filter(({ event }) => event === 'gateway_drain_step') };
}

/** The clock of the edge goes on by itself. */
async function startRealTimeEdge(): Promise<Edge> {
  const edge = await startEdge();
  Object.defineProperty(edge, 'monotonicMs', { get: () => performance.now() });
  return edge;
}

describe('a drain', () => {
  it('hands over, then settles what no device waits for, then tells who is left, and logs each step', async () => {
    const edge = await startEdge();
    const client = await join(edge);
    client.publish(1, 0);
    await edge.taken(1);
    const { left, steps } = await drained(edge, { readinessDelayMs: 1 }, async (deadlineMs) => {
      expect(edge.server.connections).toBe(0);
      expect(deadlineMs).toBeLessThanOrEqual(settings.drainDeadlineMs);
      return 0;
    });
    expect(left).toBe(0);
    expect(steps).toMatchObject([
      { step: 'readiness_delay', connections: 1 },
      { step: 'hand_over', connections: 1, left: 0 },
      { step: 'settle', unsettled: 0 },
      { step: 'dismiss', connections: 0 },
    ]);
  });

  it('keeps part of its time for what the hand-over could not settle, and tells those devices at the end', async () => {
    const edge = await startRealTimeEdge();
    const client = await join(edge);
    for (const id of [1, 2]) client.publish(id);
    await edge.taken(2);
    const { left, steps } = await drained(edge, { drainDeadlineMs: 300 }, async (deadlineMs) => {
      expect(deadlineMs).toBeGreaterThanOrEqual(0);
      expect(deadlineMs).toBeLessThanOrEqual(30);
      expect(client.packets).toEqual([]);
      edge.settle(0, delivered);
      return 1;
    });
    expect(left).toBe(1);
    expect(steps).toMatchObject([{ left: 1 }, { unsettled: 1 }, { step: 'dismiss', connections: 1 }]);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
    await client.end();
  });

  it('with no time at all asks everybody at once, and waits for nobody', async () => {
    const edge = await startEdge();
    const clients = [await join(edge, { clientId: 'a' }), await join(edge, { clientId: 'b' })];
    clients[0]?.publish(1);
    await edge.taken(1);
    const { left } = await drained(edge, { drainDeadlineMs: 0, disconnectsPerSecond: 1 }, async (deadlineMs) => {
      expect(deadlineMs).toBe(0);
      return 1;
    });
    expect(left).toBe(1);
    for (const client of clients) expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
  });
});

describe('the farewell', () => {
  it.each([
    [{}, { code: 0x8b, serverReference: '' }],
    [{ serverReference: 'b:1883' }, { code: 0x9c, serverReference: 'b:1883' }],
    [
      { serverReference: 'b:1883', serverMoved: true },
      { code: 0x9d, serverReference: 'b:1883' },
    ],
  ])('of %j is %j', (change, farewell) => {
    expect(farewellOf({ ...settings, ...change })).toEqual(farewell);
  });
});
