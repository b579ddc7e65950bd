import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import { type Alert, addAlert, type Severity } from '../alert.ts';
import type { VehicleState } from '../state/vehicle-state.ts';
import { numberOf, type Rule } from './rule.ts';

export interface SuddenStopSettings {
  readonly minDropKmh: number;
  readonly withinMs: number;
  /** Above this speed it is braking, not a stop. */
  readonly stoppedKmh: number;
  readonly severity: Severity;
}

const mpsOf = (kmh: number) => kmh / 3.6;

/**
 * A fall of speed by at least `minDropKmh` within `withinMs`, down to `stoppedKmh` or less. Measured from the highest
 * speed that is no older than that, or from the report before; so a stop that takes several reports is seen, and one is
 * never told twice.
 */
export class SuddenStop implements Rule {
  readonly #minDropMps: number;
  readonly #withinUs: number;
  readonly #stoppedMps: number;
  readonly #severity: Severity;

  constructor(settings: SuddenStopSettings) {
    this.#minDropMps = mpsOf(settings.minDropKmh);
    this.#withinUs = settings.withinMs * 1000;
    this.#stoppedMps = mpsOf(settings.stoppedKmh);
    this.#severity = settings.severity;
  }

  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    const toMps = numberOf(message.speedMps);
    if (Number.isNaN(toMps)) return alerts;
    this.#agePeak(state, event.timeUs);
    const fromMps = state.peakMps;
    const withinUs = event.timeUs - state.peakTimeUs;
    const stopped = fromMps >= 0 && toMps <= this.#stoppedMps && fromMps - toMps >= this.#minDropMps;
    if (stopped || toMps >= fromMps) {
      state.peakMps = toMps;
      state.peakTimeUs = event.timeUs;
    }
    state.speedMps = toMps;
    state.speedTimeUs = event.timeUs;
    // Slower than that, no stop can be measured from here.
    if (state.peakMps >= this.#minDropMps) state.notable = true;
    if (!stopped) return alerts;
    return addAlert(alerts, event, 'raised', this.#severity, { rule: 'sudden_stop', fromMps, toMps, withinUs });
  }

  /** A peak that is too old gives way to the report before, or to none when that is too old as well. */
  #agePeak(state: VehicleState, nowUs: number): void {
    if (nowUs - state.peakTimeUs <= this.#withinUs) return;
    const recent = nowUs - state.speedTimeUs <= this.#withinUs;
    state.peakMps = recent ? state.speedMps : -1;
    state.peakTimeUs = state.speedTimeUs;
  }
}
