import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import { type Alert, addAlert, type Severity } from '../alert.ts';
import type { VehicleState } from '../state/vehicle-state.ts';
import type { Rule } from './rule.ts';

export interface FaultCodeSettings {
  /** Codes, or beginnings of codes with `*` behind them. */
  readonly codes: readonly string[];
  /** How long all raised codes must have been inactive before they are cleared. */
  readonly clearAfterSeconds: number;
  readonly severity: Severity;
}

/** A report has at most 64, of 32 characters each; what is remembered of earlier ones stays within that, too. */
const maxRemembered = 64;
const longestCode = 32;

/**
 * Raised when codes become active that are not raised yet, in one alert. Cleared, all together, when none of them was
 * active for a while: a loose contact that comes and goes is one alert, not one a second.
 */
export class FaultCodes implements Rule {
  readonly #exact: ReadonlySet<string>;
  readonly #beginnings: readonly string[];
  readonly #clearAfterUs: number;
  readonly #severity: Severity;

  constructor(settings: FaultCodeSettings) {
    const open = settings.codes.filter((code) => code.endsWith('*'));
    this.#exact = new Set(settings.codes.filter((code) => !code.endsWith('*')));
    this.#beginnings = open.map((code) => code.slice(0, -1));
    this.#clearAfterUs = settings.clearAfterSeconds * 1_000_000;
    this.#severity = settings.severity;
  }

  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    // A message of another kind says nothing of faults; one that has the field says that no other is active.
    if (!Array.isArray(message.faultCodes)) return alerts;
    const active = usable(message.faultCodes);
    let anyActive = false;
    let anyNew = false;
    for (let i = 0; i < active.length; i++) {
      const code = active[i] as string;
      if (state.faultCodes.includes(code)) anyActive = true;
      else if (this.#matches(code)) anyNew = true;
    }
    if (anyNew) return this.#raise(event, active, state, alerts);
    if (anyActive) {
      state.faultTimeUs = event.timeUs;
      state.notable = true;
    } else if (state.faultCodes.length > 0) return this.#clear(event, state, alerts);
    return alerts;
  }

  #raise(
    event: DeviceEvent,
    active: readonly string[],
    state: VehicleState,
    alerts: Alert[] | undefined,
  ): Alert[] | undefined {
    const raised = state.faultCodes;
    const fresh = [...new Set(active)].filter((code) => !raised.includes(code) && this.#matches(code));
    const remembered = [
      ...raised.filter((code) => !active.includes(code)),
      ...raised.filter((c) => active.includes(c)),
    ];
    // What is not active goes first when there are too many; what is active must stay, or it would be raised again.
    state.faultCodes = [...remembered, ...fresh].slice(-maxRemembered);
    state.faultTimeUs = event.timeUs;
    return this.#add(event, 'raised', fresh, alerts);
  }

  #clear(event: DeviceEvent, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    if (event.timeUs - state.faultTimeUs < this.#clearAfterUs) return alerts;
    const cleared = state.faultCodes;
    state.faultCodes = [];
    return this.#add(event, 'cleared', cleared, alerts);
  }

  #add(
    event: DeviceEvent,
    change: 'raised' | 'cleared',
    faultCodes: readonly string[],
    alerts: Alert[] | undefined,
  ): Alert[] {
    const finding = { rule: 'maintenance_required', cause: 'fault_codes', faultCodes } as const;
    return addAlert(alerts, event, change, this.#severity, finding);
  }

  #matches(code: string): boolean {
    if (this.#exact.has(code)) return true;
    for (let i = 0; i < this.#beginnings.length; i++) if (code.startsWith(this.#beginnings[i] as string)) return true;
    return false;
  }
}

/** What of a field of that name is fault codes: a message of the operator's own has no field rules that would see to it. */
function usable(codes: readonly unknown[]): readonly string[] {
  return codes.length <= maxRemembered && codes.every(isCode)
    ? (codes as readonly string[])
    : codes.filter(isCode).slice(0, maxRemembered);
}

const isCode = (code: unknown): code is string =>
  typeof code === 'string' && code.length > 0 && code.length <= longestCode;
