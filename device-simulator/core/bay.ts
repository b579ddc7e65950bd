import { defaultCity, toLatitude, toLongitude } from './city.ts';
import type { Random } from './random.ts';

/** Who may stand in a bay: ids of the fleet's vehicles, or nobody that the sensor can name. */
export type VehicleOf = (choice: number) => string;

/** Mean length of a stay in a kerbside bay. */
const meanStayMs = 12 * 60_000;
const hourMs = 3_600_000;

/** Share of the time in which a bay is occupied, by hour of the local day: low at night, peaks at 9 and 18. */
export function occupancyShare(localHour: number): number {
  const peak = (at: number, width: number): number => Math.exp(-(((localHour - at) / width) ** 2));
  return 0.12 + 0.55 * peak(9, 2.5) + 0.3 * peak(13, 3) + 0.6 * peak(18, 2.5);
}

/** Hour of the day, [0, 24), by the sun at the city's longitude: no time-zone rules needed. */
export function localHour(timeMs: number): number {
  const hours = timeMs / hourMs + defaultCity.centreLongitudeDeg / 15;
  return ((hours % 24) + 24) % 24;
}

/** One parking bay. Moves only when it is told what time it is. */
export class Bay {
  readonly #random: Random;
  readonly #vehicleOf: VehicleOf;
  #vehicleId: string | undefined;
  #nowMs: number;
  #changesAtMs: number;
  #changedAtMs: number;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;

  /**
   * @param startMs milliseconds since the epoch; decides how likely the bay is occupied to begin with.
   * @param vehicleOf picks a vehicle by a random number below 2³¹.
   */
  constructor(random: Random, startMs: number, vehicleOf: VehicleOf) {
    this.#random = random;
    this.#vehicleOf = vehicleOf;
    this.#nowMs = startMs;
    this.#changedAtMs = startMs;
    const along = (): number =>
      random.between(-defaultCity.radiusBlocks, defaultCity.radiusBlocks) * defaultCity.blockM;
    const [xM, yM] = [Math.round(along() / defaultCity.blockM) * defaultCity.blockM + 6, along()];
    this.latitudeDeg = toLatitude(defaultCity, xM, yM);
    this.longitudeDeg = toLongitude(defaultCity, xM, yM);
    if (random.chance(occupancyShare(localHour(startMs)))) this.#vehicleId = this.#someVehicle();
    this.#changesAtMs = startMs + this.#untilChangeMs();
  }

  /** Lets arrivals and departures happen up to `timeMs`. */
  advanceTo(timeMs: number): void {
    while (this.#changesAtMs <= timeMs) {
      this.#nowMs = this.#changesAtMs;
      this.#changedAtMs = this.#changesAtMs;
      this.#vehicleId = this.#vehicleId === undefined ? this.#someVehicle() : undefined;
      this.#changesAtMs += this.#untilChangeMs();
    }
    this.#nowMs = timeMs;
  }

  /** Empty string: occupied by a vehicle that the sensor cannot name. Undefined: free. */
  get vehicleId(): string | undefined {
    return this.#vehicleId;
  }

  get occupied(): boolean {
    return this.#vehicleId !== undefined;
  }

  /** When a vehicle last arrived or left, milliseconds since the epoch. */
  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  #someVehicle(): string {
    return this.#vehicleOf(this.#random.integer(0x8000_0000));
  }

  /** Stays last as long by day as by night; it is the gaps between them that the time of day makes short or long. */
  #untilChangeMs(): number {
    if (this.#vehicleId !== undefined) return 1 + this.#random.exponential(meanStayMs);
    const share = Math.min(0.95, occupancyShare(localHour(this.#nowMs)));
    return 1 + this.#random.exponential((meanStayMs * (1 - share)) / share);
  }
}
