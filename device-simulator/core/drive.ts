import { type City, type Direction, directionVectors, turned } from './city.ts';
import type { Random } from './random.ts';

/** Limits that a calm driver keeps. */
export const driving = {
  speedLimitMps: 13.9,
  cornerSpeedMps: 4.5,
  cornerRadiusM: 8,
  accelerationMps2: 1.6,
  brakingMps2: 2.2,
} as const;

const arcLengthM = (Math.PI / 2) * driving.cornerRadiusM;

/**
 * A drive along the streets of a grid to a destination node, in small steps of time.
 *
 * The way is a chain of legs. A leg is one block of straight street, shortened where it is entered or left by a turn,
 * and the quarter circle of that turn: position and heading are continuous through every corner.
 */
export class Drive {
  readonly #city: City;
  readonly #random: Random;
  readonly #destination: readonly [x: number, y: number];
  #node: [x: number, y: number];
  #direction: Direction;
  /** −1 left, 0 straight, 1 right: what happens at the end of this leg. */
  #turn: -1 | 0 | 1 = 0;
  #entersFromCorner = false;
  #isLast = false;
  #alongM = 0;
  /** Seconds to stand at the end of this leg's straight, for a red light. */
  #redS = 0;
  speedMps = 0;
  arrived = false;

  constructor(
    city: City,
    from: readonly [x: number, y: number],
    to: readonly [x: number, y: number],
    facing: Direction,
    random: Random,
  ) {
    this.#city = city;
    this.#random = random;
    this.#node = [from[0], from[1]];
    this.#destination = to;
    this.#direction = this.#nextDirection(facing, true);
    this.#planLeg();
  }

  get direction(): Direction {
    return this.#direction;
  }

  /** Moves on by `seconds` (a step of at most a quarter of a second) and returns the metres driven. */
  step(seconds: number): number {
    if (this.arrived) return 0;
    const straightM = this.#straightM();
    if (this.speedMps === 0 && this.#redS > 0 && straightM - this.#alongM < 0.01) {
      this.#redS = Math.max(0, this.#redS - seconds);
      return 0;
    }
    this.speedMps = this.#nextSpeed(straightM - this.#alongM, seconds);
    const drivenM = this.#limitToStop(straightM, this.speedMps * seconds);
    this.#alongM += drivenM;
    this.#finishLeg();
    return drivenM;
  }

  /** Metres in the grid's axes. */
  get xM(): number {
    return this.#coordinate(0);
  }

  get yM(): number {
    return this.#coordinate(1);
  }

  /** Degrees clockwise from the grid's north, [0, 360). */
  get headingDeg(): number {
    const turnedRad = Math.max(0, this.#alongM - this.#straightM()) / driving.cornerRadiusM;
    return (this.#direction * 90 + (this.#turn * turnedRad * 180) / Math.PI + 360) % 360;
  }

  #straightM(): number {
    const atStart = this.#entersFromCorner ? driving.cornerRadiusM : 0;
    const atEnd = this.#turn === 0 ? 0 : driving.cornerRadiusM;
    return this.#city.blockM - atStart - atEnd;
  }

  #nextSpeed(leftM: number, seconds: number): number {
    const { speedLimitMps, cornerSpeedMps, accelerationMps2, brakingMps2 } = driving;
    const inCorner = leftM < 0;
    const endSpeed = this.#mustStop() ? 0 : this.#turn === 0 ? speedLimitMps : cornerSpeedMps;
    const perStep = brakingMps2 * seconds;
    // The highest speed from which braking still reaches `endSpeed` at the end, one step of reaction included.
    const braking =
      -perStep + Math.sqrt(perStep * perStep + 2 * brakingMps2 * Math.max(0, leftM) + endSpeed * endSpeed);
    const limit = inCorner ? cornerSpeedMps : Math.min(speedLimitMps, Math.max(braking, 0));
    const lowest = Math.max(0, this.speedMps - (brakingMps2 + 0.5) * seconds);
    return Math.max(lowest, Math.min(limit, this.speedMps + accelerationMps2 * seconds));
  }

  #mustStop(): boolean {
    return this.#isLast || this.#redS > 0;
  }

  /** A stop is reached exactly; the last centimetres are not crept. */
  #limitToStop(straightM: number, drivenM: number): number {
    const leftM = straightM - this.#alongM;
    if (!this.#mustStop() || leftM < 0 || drivenM < leftM - 0.02) return drivenM;
    this.speedMps = 0;
    return leftM;
  }

  #finishLeg(): void {
    const legM = this.#straightM() + (this.#turn === 0 ? 0 : arcLengthM);
    if (this.#alongM < legM || (this.#mustStop() && !this.#isLast)) return;
    const [dx, dy] = directionVectors[this.#direction] as readonly [number, number];
    this.#node = [this.#node[0] + dx, this.#node[1] + dy];
    if (this.#isLast) {
      this.arrived = true;
      return;
    }
    this.#entersFromCorner = this.#turn !== 0;
    this.#direction = turned(this.#direction, this.#turn);
    this.#alongM -= legM;
    this.#planLeg();
  }

  /** Decides what happens at the far end of the leg that begins now. */
  #planLeg(): void {
    const [dx, dy] = directionVectors[this.#direction] as readonly [number, number];
    const ahead: [number, number] = [this.#node[0] + dx, this.#node[1] + dy];
    this.#isLast = ahead[0] === this.#destination[0] && ahead[1] === this.#destination[1];
    this.#redS = 0;
    this.#turn = 0;
    if (this.#isLast) return;
    const next = this.#nextDirection(this.#direction, false, ahead);
    this.#turn = next === this.#direction ? 0 : next === turned(this.#direction, 1) ? 1 : -1;
    if (this.#random.chance(0.25)) this.#redS = this.#random.between(4, 35);
  }

  /** A direction that brings the destination nearer, straight on preferred, never back (but from a parking place). */
  #nextDirection(facing: Direction, fromStandstill: boolean, node = this.#node): Direction {
    const towards = ([0, 1, 2, 3] as const).filter((direction) => {
      const [dx, dy] = directionVectors[direction] as readonly [number, number];
      return dx * (this.#destination[0] - node[0]) + dy * (this.#destination[1] - node[1]) > 0;
    });
    const back = turned(facing, 2);
    const choices = fromStandstill ? towards : towards.filter((direction) => direction !== back);
    // The destination lies behind: round the block.
    if (choices.length === 0) return turned(facing, this.#random.chance(0.5) ? 1 : -1);
    if (choices.includes(facing) && this.#random.chance(0.6)) return facing;
    return choices[this.#random.integer(choices.length)] as Direction;
  }

  #coordinate(axis: 0 | 1): number {
    const forward = (directionVectors[this.#direction] as readonly [number, number])[axis];
    const right = (directionVectors[turned(this.#direction, 1)] as readonly [number, number])[axis];
    const base = this.#node[axis] * this.#city.blockM;
    const straightM = this.#straightM();
    const startM = this.#entersFromCorner ? driving.cornerRadiusM : 0;
    if (this.arrived) return base;
    if (this.#alongM <= straightM) return base + forward * (startM + this.#alongM);
    const angle = (this.#alongM - straightM) / driving.cornerRadiusM;
    const ahead = startM + straightM + driving.cornerRadiusM * Math.sin(angle);
    return base + forward * ahead + right * this.#turn * driving.cornerRadiusM * (1 - Math.cos(angle));
  }
}
