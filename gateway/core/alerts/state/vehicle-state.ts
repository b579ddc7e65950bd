import type { DeviceEvent } from '../../event.ts';
import type { CalmArea } from '../geofences/calm-area.ts';

const none: readonly string[] = Object.freeze([]);

/** Places in `VehicleState.numbers`. Their order is that of the files, see `state-block.ts`. */
const timeUs = 0;
const bootId = 1;
const sequence = 2;
const speedMps = 3;
const speedTimeUs = 4;
const peakMps = 5;
const peakTimeUs = 6;
const odometerM = 7;
const faultTimeUs = 8;

const never: number = Number.MIN_SAFE_INTEGER;
/** In the order of their places. */
const freshNumbers = [never, -1, -1, -1, never, -1, never, -1, never];
export const numbersOfState: number = freshNumbers.length;

/**
 * What the rules remember of one vehicle: numbers and short lists of ids, nothing that refers to rules, so that it
 * outlives a change of them. `derive` changes it in place; see `TrackedVehicle` for when that counts.
 */
export class VehicleState {
  /** All its numbers side by side: each report copies them, and as fields of their own they would lie all over the heap. */
  readonly numbers: number[] = freshNumbers.slice();
  batteryLow = false;
  /** Fault codes that were raised and not cleared. */
  faultCodes: readonly string[] = none;
  /** Fences that the vehicle is in. */
  inside: readonly string[] = none;
  /** `keep_in` fences that it left and has not entered again, oldest first. */
  left: readonly string[] = none;
  /** Where it is in the fences `inside` and in no others. Not kept over a restart. */
  calm: CalmArea | undefined = undefined;
  /**
   * Whether the newest report changed something that alerts to come depend on. What is kept for a restart needs to be no
   * newer than the last such report: from there the same further reports cause the same alerts.
   */
  notable = false;

  /** Event time of the newest report. */
  get timeUs(): number {
    return this.numbers[timeUs] as number;
  }
  set timeUs(value: number) {
    this.numbers[timeUs] = value;
  }

  get bootId(): number {
    return this.numbers[bootId] as number;
  }
  set bootId(value: number) {
    this.numbers[bootId] = value;
  }

  get sequence(): number {
    return this.numbers[sequence] as number;
  }
  set sequence(value: number) {
    this.numbers[sequence] = value;
  }

  /** The newest speed, m/s; −1 while none was reported. */
  get speedMps(): number {
    return this.numbers[speedMps] as number;
  }
  set speedMps(value: number) {
    this.numbers[speedMps] = value;
  }

  get speedTimeUs(): number {
    return this.numbers[speedTimeUs] as number;
  }
  set speedTimeUs(value: number) {
    this.numbers[speedTimeUs] = value;
  }

  /** The highest speed of late, from which a sudden stop is measured; −1 while there is none. */
  get peakMps(): number {
    return this.numbers[peakMps] as number;
  }
  set peakMps(value: number) {
    this.numbers[peakMps] = value;
  }

  get peakTimeUs(): number {
    return this.numbers[peakTimeUs] as number;
  }
  set peakTimeUs(value: number) {
    this.numbers[peakTimeUs] = value;
  }

  /** −1 while none was reported. */
  get odometerM(): number {
    return this.numbers[odometerM] as number;
  }
  set odometerM(value: number) {
    this.numbers[odometerM] = value;
  }

  /** When one of the fault codes was last active. */
  get faultTimeUs(): number {
    return this.numbers[faultTimeUs] as number;
  }
  set faultTimeUs(value: number) {
    this.numbers[faultTimeUs] = value;
  }

  /** Whether it has seen no report yet. */
  get isFresh(): boolean {
    return this.timeUs === never;
  }

  /**
   * Whether the event is newer than all that the state has seen, which it then counts among them. A late event, one of
   * an earlier boot, and one that is repeated are not: accepted events have event times that never fall; of two with
   * the same time the second has the same boot id and a higher sequence. So nothing is accepted twice.
   */
  accept(event: DeviceEvent): boolean {
    const { timeUs, bootId, sequence } = event;
    const sameBoot = bootId === this.bootId && sequence >= 0;
    if (sameBoot ? sequence <= this.sequence || timeUs < this.timeUs : timeUs <= this.timeUs) return false;
    this.timeUs = timeUs;
    this.bootId = bootId;
    this.sequence = sequence;
    this.notable = false;
    return true;
  }

  /** Becomes like `other`. The lists are shared: rules replace them, and never change them in place. */
  copyFrom(other: VehicleState): void {
    for (let i = 0; i < numbersOfState; i++) this.numbers[i] = other.numbers[i] as number;
    this.batteryLow = other.batteryLow;
    this.faultCodes = other.faultCodes;
    this.inside = other.inside;
    this.left = other.left;
    this.calm = other.calm;
    this.notable = other.notable;
  }
}
