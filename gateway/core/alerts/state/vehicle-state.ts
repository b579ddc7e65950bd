import type { DeviceEvent } from '../../event.ts';

const none: readonly string[] = Object.freeze([]);

/**
 * What the rules remember of one vehicle: numbers and short lists of ids, nothing that refers to rules, so that it
 * outlives a change of them. `derive` changes it in place; see `TrackedVehicle` for when that counts.
 */
export class VehicleState {
  /** Event time of the newest report. */
  timeUs: number = Number.MIN_SAFE_INTEGER;
  bootId = -1;
  sequence = -1;
  batteryLow = false;
  /** The newest speed, m/s; −1 while none was reported. */
  speedMps = -1;
  speedTimeUs: number = Number.MIN_SAFE_INTEGER;
  /** The highest speed of late, from which a sudden stop is measured; −1 while there is none. */
  peakMps = -1;
  peakTimeUs: number = Number.MIN_SAFE_INTEGER;
  /** −1 while none was reported. */
  odometerM = -1;
  /** Fault codes that were raised and not cleared, and when one of them was last active. */
  faultCodes: readonly string[] = none;
  faultTimeUs: number = Number.MIN_SAFE_INTEGER;
  /** Fences that the vehicle is in. */
  inside: readonly string[] = none;
  /** `keep_in` fences that it left and has not entered again, oldest first. */
  left: readonly string[] = none;
  /**
   * Whether the newest report changed something that alerts to come depend on. What is kept for a restart needs to be no
   * newer than the last such report: from there the same further reports cause the same alerts.
   */
  notable = false;

  /** Whether it has seen no report yet. */
  get isFresh(): boolean {
    return this.timeUs === Number.MIN_SAFE_INTEGER;
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
    this.timeUs = other.timeUs;
    this.bootId = other.bootId;
    this.sequence = other.sequence;
    this.batteryLow = other.batteryLow;
    this.speedMps = other.speedMps;
    this.speedTimeUs = other.speedTimeUs;
    this.peakMps = other.peakMps;
    this.peakTimeUs = other.peakTimeUs;
    this.odometerM = other.odometerM;
    this.faultCodes = other.faultCodes;
    this.faultTimeUs = other.faultTimeUs;
    this.inside = other.inside;
    this.left = other.left;
    this.notable = other.notable;
  }
}
