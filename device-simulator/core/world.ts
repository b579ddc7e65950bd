import { Bay } from './bay.ts';
import { type Device, vehicleId } from './fleet.ts';
import { randomStream } from './random.ts';
import { Vehicle } from './vehicle.ts';

/** What the sensors of a whole fleet would see. Devices are asked in the order of their own times, each at its own rate. */
export class World {
  readonly #models: readonly (Vehicle | Bay)[];
  readonly #startMs: number;
  /** Elapsed time up to which each device has been moved on. */
  readonly #elapsedMs: Float64Array;

  /**
   * @param seed decides everything that happens; the same seed and the same times give the same readings.
   * @param startMs milliseconds since the epoch: what time of the day it is when it begins.
   */
  constructor(fleet: readonly Device[], seed: number, startMs: number) {
    const vehicles = fleet.filter((device) => device.kind === 'vehicle').length;
    const bays = fleet.length - vehicles;
    this.#startMs = startMs;
    this.#elapsedMs = new Float64Array(fleet.length);
    this.#models = fleet.map((device) =>
      device.kind === 'vehicle'
        ? new Vehicle(randomStream(seed, device.index))
        : // Streams of bays count from the other end: adding vehicles leaves the bays as they are.
          new Bay(randomStream(seed, -1 - (device.index - vehicles)), startMs, visitors(device.index, vehicles, bays)),
    );
  }

  /** The vehicle at device `index`, moved on to `elapsedMs` after the start; throws for a bay. */
  vehicleAt(index: number, elapsedMs: number): Vehicle {
    const model = this.#models[index];
    if (!(model instanceof Vehicle)) throw new RangeError(`device ${index} is not a vehicle`);
    model.advance(Math.max(0, elapsedMs - (this.#elapsedMs[index] as number)) / 1000);
    this.#elapsedMs[index] = elapsedMs;
    return model;
  }

  /** The bay at device `index`, moved on to `elapsedMs` after the start; throws for a vehicle. */
  bayAt(index: number, elapsedMs: number): Bay {
    const model = this.#models[index];
    if (!(model instanceof Bay)) throw new RangeError(`device ${index} is not a bay`);
    model.advanceTo(this.#startMs + elapsedMs);
    return model;
  }
}

/** Every bay has visitors of its own, so that no vehicle stands in two bays at once. */
function visitors(index: number, vehicles: number, bays: number): (choice: number) => string {
  const bay = index - vehicles;
  const own = Math.floor((vehicles - 1 - bay) / bays) + 1;
  return (choice) => (own > 0 ? vehicleId(bay + (choice % own) * bays) : '');
}
