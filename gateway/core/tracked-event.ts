import type { Message } from './codec.ts';
import type { DeviceWindows } from './duplicates/device-windows.ts';
import type { DeviceEvent } from './event.ts';
import { duplicate, type Outcome, worse } from './outcome.ts';
import { type Publish, type Settleable, tellAll } from './publish.ts';

/**
 * An event of a publish, and what its records report to: its own and those of the alerts that it causes. When the last
 * of them is settled, the event marks its sequence and reports the worst of their outcomes to its publish, once.
 */
export class TrackedEvent implements DeviceEvent, Settleable {
  readonly publish: Publish;
  readonly subject: string;
  readonly key: string;
  readonly timeUs: number;
  readonly bootId: number;
  readonly sequence: number;
  readonly digest: string;
  message: Message | undefined;
  #outstanding = 1;
  #outcome: Outcome = duplicate;
  /** Where its sequence is marked; undefined while, or because, it is not. */
  #windows: DeviceWindows | undefined = undefined;
  #place = 0;

  constructor(
    publish: Publish,
    subject: string,
    key: string,
    timeUs: number,
    bootId: number,
    sequence: number,
    digest: string,
    message: Message | undefined,
  ) {
    this.publish = publish;
    this.subject = subject;
    this.key = key;
    this.timeUs = timeUs;
    this.bootId = bootId;
    this.sequence = sequence;
    this.digest = digest;
    this.message = message;
  }

  /** Announces `records` more beside the event's own. Must be called before the first of them is appended. */
  expect(records: number): void {
    this.#outstanding += records;
  }

  /** All of its records were appended: it is pending from now on. */
  appended(windows: DeviceWindows | undefined, place: number): void {
    // Whoever appends may have been told the outcome at once.
    const isOpen = this.#outstanding > 0;
    if (isOpen && windows !== undefined && place >= 0 && windows.mark(place, this)) {
      this.#windows = windows;
      this.#place = place;
    }
    // The records are written: until they are settled, which may be long, nobody needs the fields.
    this.message = undefined;
  }

  /** How one of its records failed, if one has by now. */
  get failure(): Outcome | undefined {
    const { kind } = this.#outcome;
    return kind === 'rejected' || kind === 'unanswered' ? this.#outcome : undefined;
  }

  settleRecord(outcome: Outcome): void {
    this.#outcome = worse(this.#outcome, outcome);
    this.#outstanding -= 1;
    if (this.#outstanding > 0) return;
    const copies = this.#windows?.settle(this.#place, this, this.#outcome);
    if (copies === undefined) this.publish.settleRecord(this.#outcome);
    else this.#settleWith(copies);
  }

  /** A rejection is told when its dead letter is durable (rule 3): to copies, too, with the answer to the first one. */
  #settleWith(copies: readonly Settleable[]): void {
    if (this.#outcome.kind === 'rejected') this.publish.addCopies(copies);
    this.publish.settleRecord(this.#outcome);
    if (this.#outcome.kind !== 'rejected') tellAll(copies, this.#outcome);
  }
}
