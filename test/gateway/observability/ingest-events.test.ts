import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../gateway/core/identity.ts';
import { type RejectionReason, rejectionReasons } from '../../../gateway/core/outcome.ts';
import { Publish } from '../../../gateway/core/publish.ts';
import { Captured } from './captured.ts';

class TestPublish extends Publish {
  readonly identity: Identity = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
  readonly topic: string = 'v1/vehicles/veh-1/telemetry';
  readonly payload = new TextEncoder().encode('the payload');
  readonly qos = 1;
  readonly receivedAtMs = 1_700_000_000_000;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  override answer(): void {}
}

const settlements = [
  'delivered',
  'duplicate',
  'shed',
  'unanswered',
  'lettered',
  'unlettered',
  'unkept',
  'open',
] as const;

describe('the account of publishes', () => {
  it('adds up after any sequence of outcomes', async () => {
    const sequence = fc.array(fc.tuple(fc.constantFrom(...settlements), fc.constantFrom(...rejectionReasons)), {
      maxLength: 100,
    });
    await fc.assert(
      fc.asyncProperty(sequence, async (outcomes) => {
        const captured = new Captured('silent');
        const { ingest } = captured.observability;
        const publish = new TestPublish();
        for (const [settlement, reason] of outcomes) {
          ingest.received(publish);
          if (settlement === 'delivered') ingest.delivered(publish);
          if (settlement === 'duplicate') ingest.duplicate(publish);
          if (settlement === 'shed') ingest.shed(publish);
          if (settlement === 'unanswered') ingest.unanswered(publish);
          if (settlement === 'unkept') ingest.unkept(publish, { reason, detail: '' });
          if (settlement === 'lettered') ingest.rejected(publish, { reason, detail: '' }, true);
          if (settlement === 'unlettered') ingest.rejected(publish, { reason, detail: '' }, false);
        }
        const total = (name: string) => captured.total(`edge_publishes_${name}`);
        const parts = [
          'delivered_total',
          'duplicate_total',
          'dead_lettered_total',
          'unlettered_total',
          'unkept_total',
          'shed_total',
          'unanswered_total',
          'in_flight',
        ];
        const figures = await Promise.all(parts.map(total));
        expect(await total('received_total')).toBe(outcomes.length);
        expect(figures.reduce((sum, figure) => sum + figure, 0)).toBe(outcomes.length);
        expect(await total('in_flight')).toBe(outcomes.filter(([settlement]) => settlement === 'open').length);
      }),
      { numRuns: 50 },
    );
  });

  it('tells rejections apart by reason, from the start', async () => {
    const captured = new Captured();
    const publish = new TestPublish();
    captured.observability.ingest.received(publish);
    captured.observability.ingest.rejected(publish, { reason: 'too_large', detail: 'x' }, true);
    const metrics = await captured.metrics();
    for (const reason of rejectionReasons) {
      const expected: Partial<Record<RejectionReason, number>> = { too_large: 1 };
      expect(metrics.get(`edge_publishes_dead_lettered_total{reason="${reason}"}`)).toBe(expected[reason] ?? 0);
    }
  });
});

describe('the line of a rejection', () => {
  it('names reason, field, device and topic, and holds nothing of the payload', () => {
    const captured = new Captured();
    const publish = new TestPublish();
    const { ingest } = captured.observability;
    const quoting = 'vehicleId "veh-of-somebody-else" is not "veh-1" of the topic';
    ingest.rejected(publish, { reason: 'wrong_identity', field: 'vehicleId', detail: quoting }, true);
    ingest.rejected(publish, { reason: 'malformed_payload', detail: 'quoting veh-of-somebody-else' }, false);
    expect(captured.lines).toMatchObject([
      {
        level: 'warn',
        event: 'publish_rejected',
        reason: 'wrong_identity',
        field: 'vehicleId',
        deviceId: 'dev-1',
        topic: 'v1/vehicles/veh-1/telemetry',
        deadLettered: true,
      },
      { level: 'error', event: 'publish_rejected', reason: 'malformed_payload', deadLettered: false },
    ]);
    expect(captured.lines[1]).not.toHaveProperty('field');
    expect(JSON.stringify(captured.lines)).not.toContain('veh-of-somebody-else');
    expect(JSON.stringify(captured.lines)).not.toContain('the payload');
  });

  it('is cut to a bearable length', () => {
    const captured = new Captured();
    class Long extends TestPublish {
      override readonly topic: string = 'x'.repeat(60_000);
    }
    captured.observability.ingest.rejected(new Long(), { reason: 'no_route', detail: 'y'.repeat(60_000) }, true);
    expect(JSON.stringify(captured.lines).length).toBeLessThan(1000);
  });
});

describe('the latency of publishes', () => {
  it('is counted in cumulative buckets from receipt to delivery', async () => {
    const captured = new Captured();
    const publish = new TestPublish();
    for (const latencyMs of [0, 1, 4, 80, 120_000, -5]) {
      captured.nowMs = publish.receivedAtMs + latencyMs;
      captured.observability.ingest.delivered(publish);
    }
    const metrics = await captured.metrics();
    const bucket = (le: string) => metrics.get(`edge_publish_latency_seconds_bucket{le="${le}"}`);
    expect([bucket('0.001'), bucket('0.005'), bucket('0.075'), bucket('0.1'), bucket('60'), bucket('+Inf')]).toEqual([
      3, 4, 4, 5, 5, 6,
    ]);
    expect(metrics.get('edge_publish_latency_seconds_count')).toBe(6);
    expect(metrics.get('edge_publish_latency_seconds_sum')).toBeCloseTo(120.085);
    expect(await captured.observability.metricsText()).toContain('# TYPE edge_publish_latency_seconds histogram');
  });
});

it('a defect in a stage is told with its stack, and not at every publish', () => {
  const captured = new Captured();
  for (let i = 0; i < 1000; i++) captured.observability.ingest.stageFailed('derive', new TypeError('a defect'));
  expect(captured.lines[0]).toMatchObject({
    ...{ level: 'error', event: 'pipeline_stage_failed', stage: 'derive' },
    error: { name: 'TypeError', stack: expect.stringContaining('a defect') as string },
  });
  expect(captured.lines.length).toBeLessThan(100);
});
