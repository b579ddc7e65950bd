import { describe, expect, it } from 'vitest';
import type { DeviceEvent } from '../../../gateway/core/event.ts';
import { TestPublish, telemetry } from '../core/fixture.ts';
import { Captured } from './captured.ts';

const event: DeviceEvent = {
  ...{ publish: new TestPublish({ payload: telemetry() }), subject: 'veh-7', key: 'veh-7', digest: '' },
  ...{ timeUs: 0, bootId: 3, sequence: 17, message: undefined },
};

describe('what the sequences of devices tell', () => {
  it('is exported from the start, without a label that names devices', async () => {
    const captured = new Captured();
    const { sequences } = captured.observability;
    sequences.gap(3);
    sequences.gap(1);
    sequences.late('gap');
    sequences.reset();
    sequences.copy('pending');
    const metrics = await captured.metrics();
    const figures = [...metrics].filter(([name]) => /^edge_(sequence|duplicate|device)_/.test(name));
    expect(Object.fromEntries(figures)).toEqual({
      edge_sequence_gaps_total: 2,
      edge_sequence_missing_total: 4,
      'edge_sequence_late_total{place="gap"}': 1,
      'edge_sequence_late_total{place="unknown"}': 0,
      edge_device_resets_total: 1,
      edge_sequence_reused_total: 0,
      'edge_duplicate_events_total{kind="settled"}': 0,
      'edge_duplicate_events_total{kind="pending"}': 1,
      'edge_duplicate_events_total{kind="same_publish"}': 0,
      edge_duplicate_waits_refused_total: 0,
      edge_duplicate_devices_forgotten_total: 0,
      edge_duplicate_untracked_total: 0,
    });
    expect(captured.lines).toEqual([]);
  });

  it('names a device that uses a sequence twice, and nothing of what it sent', async () => {
    const captured = new Captured();
    captured.observability.sequences.reused(event);
    expect(captured.lines).toMatchObject([
      { level: 'warn', event: 'sequence_reused', deviceId: 'unit-7', bootId: 3, sequence: 17 },
    ]);
    expect(await captured.total('edge_sequence_reused_total')).toBe(1);
  });
});
