import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeAlerts, writeFences } from '../../demo/alerts.ts';
import { readFences } from '../../gateway/alerts/fences-file.ts';

describe('the alerts of the demo', () => {
  it('are told by rule, from the metrics of the gateway', () => {
    const sample = (rule: string, change: string, count: number) =>
      `edge_alerts_durable_total{rule="${rule}",change="${change}"} ${count}`;
    const metrics = [
      sample('low_battery', 'raised', 0),
      sample('geofence_violation', 'raised', 12),
      sample('geofence_violation', 'cleared', 3),
    ].join('\n');
    expect(describeAlerts(metrics)).toBe(
      'alerts on topic alerts: 12 geofence_violation raised, 3 geofence_violation cleared',
    );
    expect(describeAlerts('')).toBe('alerts on topic alerts: none');
  });

  it('have a fence that the gateway takes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-alerts-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const limits = { maxFences: 10, maxPositionsPerFence: 10, maxPositions: 200, severity: 'warning' } as const;
    expect(readFences(await writeFences(folder), limits)).toMatchObject([{ id: 'inner-city', kind: 'keep_out' }]);
  });
});
