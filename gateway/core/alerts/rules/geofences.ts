import type { Message } from '../../codec.ts';
import type { DeviceEvent } from '../../event.ts';
import { type Alert, addAlert } from '../alert.ts';
import type { Fence } from '../geofences/fence.ts';
import type { FenceIndex } from '../geofences/fence-index.ts';
import type { VehicleState } from '../state/vehicle-state.ts';
import { numberOf, type Rule } from './rule.ts';

export interface GeofenceSettings {
  /** Positions whose radius of accuracy is larger say nothing; those without one are taken as good. */
  readonly maxAccuracyM: number;
}

/** Violations of left fences that a vehicle can have standing; the oldest is forgotten, and then never cleared. */
const maxLeft = 32;

/**
 * `keep_out`: raised on entering (also when the first known position is inside), cleared on leaving. `keep_in`: raised
 * on leaving, cleared on entering again; a vehicle that was never seen inside violates nothing. A fence that is gone
 * from the rules neither raises nor clears.
 */
export class Geofences implements Rule {
  readonly #index: FenceIndex;
  readonly #maxAccuracyM: number;

  constructor(settings: GeofenceSettings, index: FenceIndex) {
    this.#maxAccuracyM = settings.maxAccuracyM;
    this.#index = index;
  }

  apply(event: DeviceEvent, message: Message, state: VehicleState, alerts: Alert[] | undefined): Alert[] | undefined {
    const position = message.position as Message | null | undefined;
    if (position === null || position === undefined) return alerts;
    const longitudeDeg = numberOf(position.longitudeDeg);
    const latitudeDeg = numberOf(position.latitudeDeg);
    if (Number.isNaN(longitudeDeg + latitudeDeg) || numberOf(position.accuracyM) > this.#maxAccuracyM) return alerts;
    const { calm } = state;
    if (calm !== undefined && this.#index.isCalm(calm, longitudeDeg, latitudeDeg)) return alerts;
    const count = this.#index.locate(longitudeDeg, latitudeDeg);
    state.calm = this.#index.calmAround(longitudeDeg, latitudeDeg);
    if (this.#isUnchanged(count, state.inside)) return alerts;
    return this.#cross(event, count, state, { longitudeDeg, latitudeDeg }, alerts);
  }

  /** Compares in the order of the fences, which is that of the state, too, unless they were exchanged since. */
  #isUnchanged(count: number, inside: readonly string[]): boolean {
    if (count !== inside.length) return false;
    for (let i = 0; i < count; i++) if (this.#index.found(i).id !== inside[i]) return false;
    return true;
  }

  #cross(
    event: DeviceEvent,
    count: number,
    state: VehicleState,
    position: { readonly longitudeDeg: number; readonly latitudeDeg: number },
    alerts: Alert[] | undefined,
  ): Alert[] | undefined {
    const before = new Set(state.inside);
    const now = Array.from({ length: count }, (_, i) => this.#index.found(i).id);
    const after = new Set(now);
    const left = new Set(state.left.filter((id) => this.#index.byId(id)?.kind === 'keep_in'));
    let found = alerts;
    const add = ({ id: fenceId, name: fenceName, kind, severity }: Fence, transition: 'entered' | 'left') => {
      const change = (kind === 'keep_out') === (transition === 'entered') ? 'raised' : 'cleared';
      const finding = { rule: 'geofence_violation', fenceId, fenceName, kind, transition, ...position } as const;
      found = addAlert(found, event, change, severity, finding);
    };
    for (const id of state.inside) {
      const fence = after.has(id) ? undefined : this.#index.byId(id);
      if (fence === undefined) continue;
      add(fence, 'left');
      if (fence.kind === 'keep_in') left.add(id);
    }
    for (const id of now) {
      const fence = before.has(id) ? undefined : this.#index.byId(id);
      if (fence !== undefined && (fence.kind === 'keep_out' || left.delete(id))) add(fence, 'entered');
    }
    state.notable = true;
    state.inside = now;
    state.left = [...left].slice(-maxLeft);
    return found;
  }
}
