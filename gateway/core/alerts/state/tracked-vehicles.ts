import { LRUCache } from 'lru-cache';
import { TrackedVehicle } from './tracked-vehicle.ts';
import type { VehicleState } from './vehicle-state.ts';

/**
 * The vehicles that are known, at most `maxVehicles`; of more, the one longest silent is forgotten. It starts anew with
 * its next report: conditions that still hold are raised once more, under the id of the event that shows them.
 */
export class TrackedVehicles {
  readonly #cache: LRUCache<string, TrackedVehicle>;
  /**
   * For going through all of them in slices, while they come and go: the cache's own iterators follow its order, which
   * changes with each report. A vehicle that comes when another is forgotten takes that one's place.
   */
  readonly #slots: TrackedVehicle[] = [];
  #freeSlot = -1;
  /** How many were forgotten for want of room. */
  evicted = 0;

  constructor(maxVehicles: number) {
    this.#cache = new LRUCache({
      max: maxVehicles,
      dispose: (vehicle) => {
        this.#freeSlot = vehicle.slot;
        vehicle.slot = -1;
        this.evicted += 1;
      },
    });
  }

  get size(): number {
    return this.#slots.length;
  }

  /** The vehicle, which counts as heard of now; made when it is not known. */
  track(vehicleId: string): TrackedVehicle {
    return this.#cache.get(vehicleId) ?? this.#add(vehicleId);
  }

  /** Gives a vehicle the state that it had before a restart. */
  restore(vehicleId: string, state: VehicleState): void {
    this.track(vehicleId).restore(state);
  }

  /** The vehicle at `index` of `size`; the places of those that stay do not change. */
  at(index: number): TrackedVehicle {
    return this.#slots[index] as TrackedVehicle;
  }

  #add(vehicleId: string): TrackedVehicle {
    const vehicle = new TrackedVehicle(vehicleId);
    this.#freeSlot = -1;
    this.#cache.set(vehicleId, vehicle);
    vehicle.slot = this.#freeSlot < 0 ? this.#slots.length : this.#freeSlot;
    this.#slots[vehicle.slot] = vehicle;
    return vehicle;
  }
}
