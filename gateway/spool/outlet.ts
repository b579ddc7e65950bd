import { delivered } from '../core/outcome.ts';
import { Flight } from './flight.ts';
import type { Frame } from './frame.ts';
import type { Ledger } from './ledger.ts';
import type { SpoolObserver } from './observer.ts';
import type { ReadPatience } from './read-patience.ts';
import type { ReplayReader } from './replay-reader.ts';
import type { SpoolClock } from './spool-clock.ts';
import type { Waiting } from './waiting.ts';

export interface OutletOptions {
  readonly reader: ReplayReader;
  readonly patience: ReadPatience;
  readonly clock: SpoolClock;
  readonly ledger: Ledger;
  /** Who is told when Kafka is quicker than the disk. */
  readonly waiting: Waiting;
  readonly observer: Pick<SpoolObserver, 'diskFailed'>;
  /** Frames from this one on were spooled by this process. */
  readonly firstOwnFrame: number;
  /** Everything before this frame is settled. `isIdle`: and no file need be kept open for more. */
  readonly settledBefore: (frame: number, isIdle: boolean) => void;
  /** Whether the disk can be read has changed. Not from inside of `next`. */
  readonly changed: () => void;
}

/** When a disk that cannot be read should be asked again. */
export const readRetryMs = 100;

/** Where batches come out of the spool: handed out in their order, and kept until Kafka has settled them. */
export class Outlet {
  readonly #options: OutletOptions;
  /** Handed out and not settled. */
  readonly flight = new Flight();
  #isBypassed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** As `Spool.next`. */
  next(): Frame | 'unreadable' | undefined {
    const { reader, patience, observer } = this.#options;
    try {
      const frame = patience.isOver ? reader.nextBehindDamage() : reader.next();
      if (patience.succeeded()) this.#changedSoon();
      if (frame === undefined) this.#skipLostTail();
      else this.flight.add(frame);
      return frame;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      observer.diskFailed('read', code, readRetryMs);
      if (patience.failed(error)) this.#changedSoon();
      return 'unreadable';
    }
  }

  /** Somebody else delivers this frame, and everything before it has been handed out. */
  pass(frame: Frame): void {
    this.#options.reader.skipTo(frame.number + 1);
    this.flight.add(frame);
  }

  /** Kafka has settled one more record of a frame. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    if (!this.flight.recordSettled(frame)) return false;
    const { ledger, waiting } = this.#options;
    ledger.settled(frame);
    waiting.settle(frame, delivered);
    this.#advance();
    return true;
  }

  bypass(isBypassed: boolean): void {
    this.#isBypassed = isBypassed;
    this.#advance();
  }

  isRecovered({ number }: Pick<Frame, 'number'>): boolean {
    return number < this.#options.firstOwnFrame;
  }

  /** Age of the oldest batch that is not settled; 0 when there is none. */
  get ageMs(): number {
    const { reader, clock } = this.#options;
    const inFlight = this.flight.oldest;
    const oldestAtMs = inFlight?.spooledAtMs ?? reader.oldestAtMs;
    // A segment of which no date can be read makes nothing look old.
    if (oldestAtMs === undefined || oldestAtMs === Number.POSITIVE_INFINITY) return 0;
    const number = inFlight?.number ?? reader.nextFrame;
    return this.isRecovered({ number }) ? clock.recoveredAgeMs(oldestAtMs) : clock.ageMs(oldestAtMs);
  }

  #advance(): void {
    const { oldest } = this.flight;
    const { reader, settledBefore } = this.#options;
    settledBefore(oldest?.number ?? reader.nextFrame, this.#isBypassed && oldest === undefined);
  }

  /** Everything has been handed out: what is missing before the frames of this process is behind all others. */
  #skipLostTail(): void {
    const { reader, firstOwnFrame } = this.#options;
    if (reader.nextFrame < firstOwnFrame) reader.skipTo(firstOwnFrame);
  }

  /** Later: whoever is told may ask for the next batch while this one is not where it belongs. */
  #changedSoon(): void {
    setImmediate(() => this.#options.changed());
  }
}
