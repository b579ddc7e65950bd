import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import { type Alert, addAlert, type Severity } from '../alert.ts';
import type { VehicleState } from '../state/vehicle-state.ts';
import { numberOf, type Rule } from './rule.ts';

export interface OdometerServiceSettings {
  readonly intervalKm: number;
  readonly severity: Severity;
}

/**
 * Raised when the odometer passes a multiple of the interval. The first reading of a vehicle raises nothing: whether its
 * last service was done is not known here.
 */
export class OdometerService implements Rule {
  readonly #intervalM: number;
  readonly #severity: Severity;

  constructor(settings: OdometerServiceSettings) {
    this.#intervalM = settings.intervalKm * 1000;
    this.#severity = settings.severity;
  }

  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    const odometerM = numberOf(message.odometerM);
    const before = state.odometerM;
    // A reading a little lower is noise, and must not let a multiple be passed twice; one lower by a whole interval is
    // another odometer.
    const another = odometerM <= before - this.#intervalM;
    if (!(odometerM > before) && !another) return alerts;
    state.odometerM = odometerM;
    const due = Math.floor(odometerM / this.#intervalM);
    const passes = due > Math.floor(before / this.#intervalM);
    if (another || before < 0 || passes) state.notable = true;
    if (another || before < 0 || !passes) return alerts;
    const dueAtM = due * this.#intervalM;
    return addAlert(alerts, event, 'raised', this.#severity, {
      rule: 'maintenance_required',
      cause: 'odometer',
      odometerM,
      dueAtM,
    });
  }
}
