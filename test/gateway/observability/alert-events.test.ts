import { describe, expect, it } from 'vitest';
import type { Alert, AlertFinding } from '../../../gateway/core/alerts/alert.ts';
import { Observability } from '../../../gateway/observability/observability.ts';
import { event } from '../core/alerts/fixture.ts';

const alert = (finding: AlertFinding, change: Alert['change']): Alert => ({
  ...{ cause: event(1), id: 'a', causationId: 'c', vehicleId: 'veh-7', timeUs: 1, severity: 'info', change, finding },
});

describe('the metrics of alerts', () => {
  it('count by rule and change, from the start, the two causes of maintenance apart', async () => {
    const observability = new Observability({ level: 'silent', processMetrics: false });
    const { alerts } = observability;
    const service = { rule: 'maintenance_required', cause: 'odometer', odometerM: 2, dueAtM: 1 } as const;
    const faults = { rule: 'maintenance_required', cause: 'fault_codes', faultCodes: ['P0'] } as const;
    const battery = { rule: 'low_battery', batteryLevel: 0.1, thresholdLevel: 0.15 } as const;
    for (const finding of [service, faults, battery]) alerts.derived(alert(finding, 'raised'));
    alerts.durable(alert(faults, 'cleared'));
    const text = await observability.metricsText();
    const samples = [...text.matchAll(/^edge_alerts_(\w+)_total\{rule="(\w+)",change="(\w+)"\} (\d+)$/gm)];
    expect(samples).toHaveLength(20);
    expect(samples.filter(([, , , , count]) => count !== '0').map((sample) => sample.slice(1).join(' '))).toEqual([
      'derived low_battery raised 1',
      'derived fault_codes raised 1',
      'derived odometer_service raised 1',
      'durable fault_codes cleared 1',
    ]);
  });
});
