import { battery, charged, drained, drivingKw, voltageV } from './battery.ts';
import { altitudeM, type City, defaultCity, nearestCharger, toLatitude, toLongitude } from './city.ts';
import { Drive } from './drive.ts';
import type { Random } from './random.ts';

export type VehicleState = 'driving' | 'stopped' | 'parked' | 'charging';

/** Diagnostic trouble codes (SAE J2012 form) that the simulated telematics units report. */
export const faultCodes = ['P0A7F', 'P0AA6', 'P0562', 'C0035', 'B1318', 'U0100'] as const;

/** Mean time between two faults of a vehicle. */
const meanFaultFreeS = 2 * 3600;
const stepS = 0.25;

/** One vehicle: trips through the city, stops, parking, charging. Moves only when it is told how much time has passed. */
export class Vehicle {
  readonly #city: City;
  readonly #random: Random;
  #node: [x: number, y: number];
  #drive: Drive | undefined;
  #facing: 0 | 1 | 2 | 3;
  #parkedForS: number;
  #charging = false;
  #odometerM: number;
  #batteryKw = 0;
  #batteryLevel: number;
  #fault: string | undefined;
  #faultChangesInS: number;

  constructor(random: Random, city: City = defaultCity) {
    this.#city = city;
    this.#random = random;
    this.#node = this.#anywhere();
    this.#facing = random.integer(4) as 0 | 1 | 2 | 3;
    this.#odometerM = random.between(1e6, 120e6);
    this.#batteryLevel = random.between(0.25, 0.98);
    this.#faultChangesInS = random.exponential(meanFaultFreeS);
    // Two thirds of a fleet are on the road when it is first looked at.
    this.#parkedForS = random.chance(0.67) ? 0 : random.exponential(400);
    if (this.#parkedForS === 0) this.#setOff();
    // A fleet that has been driving for a while is not all at the beginning of a street.
    this.advance(random.between(0, 90));
  }

  /** Lets `seconds` pass. */
  advance(seconds: number): void {
    let leftS = seconds;
    while (leftS > 1e-9) {
      const elapsedS = Math.min(stepS, leftS);
      if (this.#drive) this.#driveOn(this.#drive, elapsedS);
      else this.#rest(elapsedS);
      this.#ageFault(elapsedS);
      leftS -= elapsedS;
    }
  }

  get state(): VehicleState {
    if (this.#drive) return this.#drive.speedMps > 0 ? 'driving' : 'stopped';
    return this.#charging ? 'charging' : 'parked';
  }
  get latitudeDeg(): number {
    return toLatitude(this.#city, this.#xM(), this.#yM());
  }
  get longitudeDeg(): number {
    return toLongitude(this.#city, this.#xM(), this.#yM());
  }
  get altitudeM(): number {
    return altitudeM(this.#xM(), this.#yM());
  }
  get speedMps(): number {
    return this.#drive?.speedMps ?? 0;
  }
  /** Degrees clockwise from true north, [0, 360). */
  get headingDeg(): number {
    return ((this.#drive?.headingDeg ?? this.#facing * 90) + this.#city.rotationDeg) % 360;
  }
  /** [0, 1]. */
  get batteryLevel(): number {
    return this.#batteryLevel;
  }
  get batteryVoltageV(): number {
    return voltageV(this.#batteryLevel, this.#batteryKw);
  }
  get odometerM(): number {
    return this.#odometerM;
  }
  /** The trouble code that is active, if one is. */
  get fault(): string | undefined {
    return this.#fault;
  }

  #driveOn(drive: Drive, seconds: number): void {
    const before = drive.speedMps;
    this.#odometerM += drive.step(seconds);
    this.#batteryKw = drivingKw(drive.speedMps, (drive.speedMps - before) / seconds);
    this.#batteryLevel = drained(this.#batteryLevel, this.#batteryKw, seconds);
    if (drive.arrived) this.#park(drive);
  }

  #park(drive: Drive): void {
    this.#node = [Math.round(drive.xM / this.#city.blockM), Math.round(drive.yM / this.#city.blockM)];
    this.#facing = drive.direction;
    this.#drive = undefined;
    this.#parkedForS = 60 + this.#random.exponential(420);
    this.#charging = this.#isAtCharger() && this.#batteryLevel < 0.8;
  }

  #rest(seconds: number): void {
    this.#batteryKw = this.#charging ? -battery.chargerKw : battery.standbyKw;
    if (this.#charging) this.#batteryLevel = charged(this.#batteryLevel, seconds);
    else this.#batteryLevel = drained(this.#batteryLevel, battery.standbyKw, seconds);
    if (this.#charging && this.#batteryLevel > 0.9) this.#charging = false;
    this.#parkedForS -= seconds;
    if (this.#parkedForS <= 0 && !(this.#charging && this.#batteryLevel < 0.6)) this.#setOff();
  }

  #setOff(): void {
    const low = this.#batteryLevel < 0.25;
    const [x, y] = low ? this.#node : this.#anywhere();
    const destination: [number, number] = low ? [nearestCharger(this.#city, x), nearestCharger(this.#city, y)] : [x, y];
    if (destination[0] === this.#node[0] && destination[1] === this.#node[1]) {
      this.#charging = this.#isAtCharger();
      this.#parkedForS = 60 + this.#random.exponential(420);
      return;
    }
    this.#charging = false;
    this.#drive = new Drive(this.#city, this.#node, destination, this.#facing, this.#random);
  }

  #ageFault(seconds: number): void {
    this.#faultChangesInS -= seconds;
    if (this.#faultChangesInS > 0) return;
    const appears = this.#fault === undefined;
    this.#fault = appears ? faultCodes[this.#random.integer(faultCodes.length)] : undefined;
    this.#faultChangesInS = this.#random.exponential(appears ? 240 : meanFaultFreeS);
  }

  #anywhere(): [x: number, y: number] {
    const across = 2 * this.#city.radiusBlocks + 1;
    return [
      this.#random.integer(across) - this.#city.radiusBlocks,
      this.#random.integer(across) - this.#city.radiusBlocks,
    ];
  }

  #isAtCharger(): boolean {
    return this.#node.every((block) => block === nearestCharger(this.#city, block));
  }

  #xM(): number {
    return this.#drive?.xM ?? this.#node[0] * this.#city.blockM;
  }

  #yM(): number {
    return this.#drive?.yM ?? this.#node[1] * this.#city.blockM;
  }
}
