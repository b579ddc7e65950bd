import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { Pressure } from '../core/record-sink.ts';
import { type WatermarkSettings, Watermarks } from '../core/watermarks.ts';
import type { Frame } from './frame.ts';
import type { SpoolObserver } from './observer.ts';

/** Has been told. */
const told: Settleable = { settleRecord: () => undefined };

/** Records that are in memory only, so that somebody waits for the disk, or for Kafka, should it be quicker. */
export class Waiting {
  readonly #watermarks: Watermarks;
  readonly #observer: Pick<SpoolObserver, 'settleFailed'>;

  constructor(
    limits: WatermarkSettings,
    observer: Pick<SpoolObserver, 'settleFailed'>,
    onPressure: (level: Pressure) => void,
  ) {
    this.#watermarks = new Watermarks(limits, onPressure);
    this.#observer = observer;
  }

  add(records: number, bytes: number): void {
    this.#watermarks.add(bytes, records);
  }

  /** Somebody else sees to them from now on. */
  remove(records: number, bytes: number): void {
    this.#watermarks.remove(records, bytes);
  }

  /** Tells those who wait for a frame, unless they have been told. */
  settle(frame: Frame, outcome: Outcome): void {
    const { waiting, records, rawBytes } = frame;
    if (waiting.length === 0) return;
    frame.waiting = [];
    this.#watermarks.remove(records, rawBytes);
    this.tell(waiting, outcome);
  }

  /**
   * Tells the one who waits for a record of a frame, ahead of the others; it counts as waiting until they are told.
   *
   * @returns false when nobody waits for it: the frame is durable, and its device has been answered.
   */
  settleOne(frame: Frame, index: number, outcome: Outcome): boolean {
    const settleable = frame.waiting[index];
    if (settleable === undefined) return false;
    frame.waiting = frame.waiting.with(index, told);
    this.tell([settleable], outcome);
    return true;
  }

  /** Tells each, in order. One that throws does not keep it from the others. */
  tell(settleables: readonly Settleable[], outcome: Outcome): void {
    for (let i = 0; i < settleables.length; i++) {
      try {
        (settleables[i] as Settleable).settleRecord(outcome);
      } catch (error) {
        this.#observer.settleFailed(error);
      }
    }
  }

  get records(): number {
    return this.#watermarks.records;
  }

  get pressure(): Pressure {
    return this.#watermarks.level;
  }
}
