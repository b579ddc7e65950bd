import type { Rejection } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import { invalidField } from './invalid-field.ts';

/** How far a device's clock may be from the gateway's, and what becomes of an event whose is further off. */
export interface ClockLimits {
  readonly maxClockAheadSeconds: number;
  readonly maxClockBehindSeconds: number;
  /** `clamp`: it is dated with the time of receipt, and a header says so. `reject`: it is a dead letter. */
  readonly absurdClock: 'clamp' | 'reject';
}

/** Where the device's time lay when it was too far off: before or behind what the gateway takes for possible. */
export type ClampDirection = 'past' | 'future';

/** Told of each event whose time was clamped. Called on the hot path: must not block or throw. */
export interface ClockObserver {
  timeClamped(direction: ClampDirection): void;
}

/**
 * What a record holds, from 1827 to 2255. avsc, in readers as in the encoder, takes 2^53-1 for a number that may have lost
 * digits; below zero it is exact only as far as 2^52.
 */
const minTimeUs = -(2 ** 52);
const maxTimeUs = 2 ** 53 - 2;

/** Holds the event times of devices against the time of receipt. */
export class EventClock {
  readonly #limits: ClockLimits;
  readonly #maxAheadMs: number;
  readonly #maxBehindMs: number;
  readonly #observer: ClockObserver | undefined;

  constructor(limits: ClockLimits, observer?: ClockObserver) {
    this.#limits = limits;
    this.#maxAheadMs = limits.maxClockAheadSeconds * 1000;
    this.#maxBehindMs = limits.maxClockBehindSeconds * 1000;
    this.#observer = observer;
  }

  /**
   * Why an event with this time cannot be taken. A missing time is a broken contract, not a broken clock: a device that
   * does not know the time says 0. One that a record's value cannot hold is refused whatever the setting.
   */
  defectOf(timeUs: unknown, receivedAtMs: number): Rejection | undefined {
    if (timeUs === null || timeUs === undefined) return invalidField('eventTimeUs', 'is missing');
    if (typeof timeUs !== 'number') {
      return invalidField('eventTimeUs', `${quoted(timeUs)} is not a number of microseconds`);
    }
    if (!(timeUs >= minTimeUs && timeUs <= maxTimeUs)) {
      return absurd(`eventTimeUs ${timeUs} is not from ${minTimeUs} to ${maxTimeUs}, what a record holds`);
    }
    if (this.#limits.absurdClock === 'clamp') return undefined;
    const aheadMs = timeUs / 1000 - receivedAtMs;
    const { maxClockAheadSeconds, maxClockBehindSeconds } = this.#limits;
    if (aheadMs > this.#maxAheadMs) return tooFar(timeUs, `${aheadMs / 1000} s ahead of`, maxClockAheadSeconds);
    if (-aheadMs > this.#maxBehindMs) return tooFar(timeUs, `${-aheadMs / 1000} s behind`, maxClockBehindSeconds);
    return undefined;
  }

  /** The time of an event, in microseconds: the device's, or that of receipt when the device's is too far off. */
  timeUsOf(deviceTimeUs: number, receivedAtMs: number): number {
    const aheadMs = deviceTimeUs / 1000 - receivedAtMs;
    if (aheadMs <= this.#maxAheadMs && -aheadMs <= this.#maxBehindMs) return deviceTimeUs;
    this.#observer?.timeClamped(aheadMs > 0 ? 'future' : 'past');
    return receivedAtMs * 1000;
  }
}

const absurd = (detail: string): Rejection => ({ reason: 'absurd_clock', field: 'eventTimeUs', detail });

const tooFar = (timeUs: number, distance: string, limitSeconds: number): Rejection =>
  absurd(`eventTimeUs ${timeUs} is ${distance} the gateway's clock; at most ${limitSeconds} s are allowed`);
