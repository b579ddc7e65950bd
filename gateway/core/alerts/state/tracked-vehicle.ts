import type { Alert } from '../alert.ts';
import { VehicleState } from './vehicle-state.ts';

/** How the publish of a step ended: all of its records are durable, or not. */
type StepEnd = 'open' | 'durable' | 'failed';

/** What one publish did to the state of its vehicle, from when it was derived until the publish is concluded. */
export interface Step {
  /** Whether any of its events changed something that a restart must not forget. */
  notable: boolean;
  /** The vehicle as of this publish, when it is notable. Another one once the step has been settled. */
  snapshot: VehicleState;
  alerts: readonly Alert[];
  end: StepEnd;
  /** Derived on a state that has been taken back: its own is worth nothing any more. */
  void: boolean;
  next: Step | undefined;
}

/** What happens to steps; told while a vehicle settles them. */
export interface StepOwner {
  /** Another state is settled, and worth keeping over a restart. */
  keep(vehicle: TrackedVehicle): void;
  /** The vehicle does not need the step any more. */
  release(step: Step): void;
}

/**
 * The state of one vehicle while some of its publishes wait for Kafka.
 *
 * - `tip` is as of the last publish that was appended: what the next one is derived on, in place (and taken back, when
 *   nothing is appended).
 * - `settled` is as of the last notable publish of which, and of all before it, every record is durable: events and
 *   alerts. Only this state may be kept for a restart. One that were ahead of Kafka would take an event that its device
 *   sends again for a repeated one, and that event's alert would be lost. What is not notable makes no difference to later
 *   alerts (`VehicleState.notable`), and so is not copied.
 * - A publish whose records were not all made durable (Kafka refused one for good) takes its state back: `tip` becomes
 *   that of the last notable publish before it, and what had been derived behind it counts no more when it settles.
 *   Conditions that still hold are then raised by the next event once more, under its id: an alert may come twice, but none
 *   is lost.
 */
export class TrackedVehicle {
  readonly vehicleId: string;
  settled = new VehicleState();
  readonly tip = new VehicleState();
  /** Place in the list of all vehicles; −1 when it was forgotten. */
  slot = -1;
  /** Its settled state waits to be written for a restart. */
  isToBeKept = false;
  #first: Step | undefined;
  #last: Step | undefined;

  constructor(vehicleId: string) {
    this.vehicleId = vehicleId;
  }

  /**
   * The newest state of which everything is durable: what a snapshot holds, so that after it no report counts again. Behind
   * `settled` come only reports that were not notable.
   */
  get durable(): VehicleState {
    return this.#first === undefined ? this.tip : this.settled;
  }

  /** Takes over a state from before a restart. */
  restore(state: VehicleState): void {
    this.settled.copyFrom(state);
    this.tip.copyFrom(state);
  }

  /** The records of the step have been appended, behind those of all earlier ones. */
  add(step: Step, owner: StepOwner): void {
    if (this.#last === undefined) this.#first = step;
    else this.#last.next = step;
    this.#last = step;
    // Whoever appends may have been told the outcome at once.
    if (step.end !== 'open') this.ended(step, owner);
  }

  /** The publish of `step`, whose `end` tells how, is concluded. */
  ended(step: Step, owner: StepOwner): void {
    if (step.end === 'failed' && !step.void) this.#takeBack(step);
    let isWorthKeeping = false;
    while (this.#first !== undefined && this.#first.end !== 'open') {
      const first = this.#first;
      this.#first = first.next;
      if (this.#first === undefined) this.#last = undefined;
      if (first.notable && !first.void) {
        const before = this.settled;
        this.settled = first.snapshot;
        first.snapshot = before;
        isWorthKeeping = true;
      }
      owner.release(first);
    }
    if (isWorthKeeping) owner.keep(this);
  }

  /** `step` and all behind it count no more. */
  #takeBack(from: Step): void {
    let state = this.settled;
    for (let step = this.#first; step !== undefined && step !== from; step = step.next) {
      if (step.notable && !step.void) state = step.snapshot;
    }
    this.tip.copyFrom(state);
    for (let step: Step | undefined = from; step !== undefined; step = step.next) step.void = true;
  }
}
