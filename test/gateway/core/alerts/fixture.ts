import { type AlertRuleSettings, compileRules } from '../../../../gateway/core/alerts/compile.ts';
import { derive } from '../../../../gateway/core/alerts/derive.ts';
import type { Fence } from '../../../../gateway/core/alerts/geofences/fence.ts';
import { VehicleState } from '../../../../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../../../../gateway/core/event.ts';
import { TestPublish } from '../fixture.ts';

export const startUs = 1_763_700_000_000_000;
export const secondUs = 1_000_000;

/** The sequence-th event of a boot of veh-7's unit, one a second. */
export function event(sequence: number, message: object = {}, overrides: Partial<DeviceEvent> = {}): DeviceEvent {
  return {
    publish: new TestPublish({}),
    ...{ subject: 'veh-7', key: 'veh-7', bootId: 1, digest: '', sequence },
    timeUs: startUs + sequence * secondUs,
    message: { ...message },
    ...overrides,
  };
}

const severity = 'warning' as const;

export const ruleSettings: AlertRuleSettings = {
  lowBattery: { enabled: true, lowPercent: 15, recoveredPercent: 20, severity },
  geofences: { maxAccuracyM: 50 },
  faultCodes: { enabled: true, codes: ['P0A80', 'U*'], clearAfterSeconds: 60, severity },
  odometerService: { enabled: true, intervalKm: 15_000, severity: 'info' },
  suddenStop: { enabled: true, minDropKmh: 36, withinMs: 2000, stoppedKmh: 3.6, severity: 'critical' },
};

export const square = (id: string, kind: Fence['kind'], west = 0): Fence => ({
  ...{ id, name: `fence ${id}`, kind, severity: 'critical' },
  polygons: [
    [
      [
        [west, 0],
        [west + 1, 0],
        [west + 1, 1],
        [west, 1],
        [west, 0],
      ],
    ],
  ],
});

export const at = (longitudeDeg: number, latitudeDeg: number, accuracyM: number | null = 3) => ({
  position: { longitudeDeg, latitudeDeg, accuracyM },
});

/** One vehicle with its state; `report` derives and returns the alerts. */
export class TestVehicle {
  readonly state = new VehicleState();
  rules: ReturnType<typeof compileRules>;
  #sequence = 0;

  constructor(fences: readonly Fence[] = [], settings: Partial<AlertRuleSettings> = {}) {
    this.rules = compileRules({ ...ruleSettings, ...settings }, fences);
  }

  report(message: object, overrides: Partial<DeviceEvent> = {}) {
    this.#sequence += 1;
    return derive(event(this.#sequence, message, overrides), this.state, this.rules);
  }

  /** What happened, in short: `raised low_battery`. */
  tell(message: object, overrides: Partial<DeviceEvent> = {}): string[] {
    return this.report(message, overrides).map(({ change, finding }) =>
      finding.rule === 'geofence_violation'
        ? `${change} ${finding.fenceId} ${finding.transition}`
        : `${change} ${finding.rule}`,
    );
  }
}
