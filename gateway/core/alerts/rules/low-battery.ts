import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import { type Alert, addAlert, type Severity } from '../alert.ts';
import type { VehicleState } from '../state/vehicle-state.ts';
import { numberOf, type Rule } from './rule.ts';

export interface LowBatterySettings {
  readonly lowPercent: number;
  /** Higher than `lowPercent`: a level that trembles around one threshold would raise and clear without end. */
  readonly recoveredPercent: number;
  readonly severity: Severity;
}

/** Raised at or below one level, cleared at or above a higher one; in between nothing changes. */
export class LowBattery implements Rule {
  readonly #lowLevel: number;
  readonly #recoveredLevel: number;
  readonly #severity: Severity;

  constructor(settings: LowBatterySettings) {
    // Devices report a float: 0.15 as a double is less than 0.15 as a float, and "at 15 %" would miss 15 %.
    this.#lowLevel = Math.fround(settings.lowPercent / 100);
    this.#recoveredLevel = Math.fround(settings.recoveredPercent / 100);
    this.#severity = settings.severity;
  }

  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    const batteryLevel = numberOf(message.batteryLevel);
    const changes = state.batteryLow ? batteryLevel >= this.#recoveredLevel : batteryLevel <= this.#lowLevel;
    if (!changes) return alerts;
    state.batteryLow = !state.batteryLow;
    const thresholdLevel = state.batteryLow ? this.#lowLevel : this.#recoveredLevel;
    return addAlert(alerts, event, state.batteryLow ? 'raised' : 'cleared', this.#severity, {
      rule: 'low_battery',
      batteryLevel,
      thresholdLevel,
    });
  }
}
