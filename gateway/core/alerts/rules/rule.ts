import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import type { Alert } from '../alert.ts';
import type { VehicleState } from '../state/vehicle-state.ts';

/** One rule, with its settings. Sees each accepted event of a vehicle once, in order. */
export interface Rule {
  /** Adds to `alerts` (undefined while there is none) what the event causes, updates the rule's part of the state. */
  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined;
}

/** A field's number; NaN, with which every comparison fails, when it is absent. */
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
