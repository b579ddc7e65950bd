import type { Outcome, Rejection } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { RecordSink } from '../core/record-sink.ts';
import { RecordCursor } from '../record-batch/record-cursor.ts';
import type { Frame } from './frame.ts';
import type { SpoolObserver } from './observer.ts';
import { keyOf, refusedRecordEncoder } from './refused-record.ts';

export interface BurialOptions {
  readonly deadLetterTopic: string;
  readonly observer: SpoolObserver;
  /** Where letters go: straight to Kafka, which has just answered. */
  readonly target: () => RecordSink;
  /** One more record of the frame is settled. */
  readonly done: (frame: Frame) => void;
}

/** What becomes of a record of the spool that Kafka never takes: a dead letter, or at least its reason, and never nothing. */
export class Burial {
  readonly #options: BurialOptions;
  /** Where it was last: Kafka refuses the records of a batch in their order, so that each batch is read once for them. */
  #last: { readonly frame: Frame; readonly record: RecordCursor } | undefined;

  constructor(options: BurialOptions) {
    this.#options = options;
  }

  /** @param index of the record in the frame's batch. */
  bury(frame: Frame, index: number, rejection: Rejection): void {
    // A letter that was refused would be refused again.
    const isLetter = frame.topic === this.#options.deadLetterTopic;
    if (!isLetter && this.#append(new Letter(frame, index, rejection, true, this))) return;
    this.#buryReason(frame, index, rejection);
  }

  #buryReason(frame: Frame, index: number, rejection: Rejection): void {
    if (!this.#append(new Letter(frame, index, rejection, false, this))) this.#unlettered(frame, rejection);
  }

  #append(letter: Letter): boolean {
    const { deadLetterTopic, target } = this.#options;
    const { frame, index, rejection, whole } = letter;
    const record = this.#recordAt(frame, index);
    const refused = { record, frame, rejection, whole };
    return target().append(deadLetterTopic, keyOf(record), record.timestampMs, refusedRecordEncoder, refused, letter);
  }

  #recordAt(frame: Frame, index: number): RecordCursor {
    if (this.#last?.frame !== frame || this.#last.record.index > index) {
      this.#last = { frame, record: new RecordCursor(frame.batch) };
    }
    const { record } = this.#last;
    while (record.index < index && record.next());
    return record;
  }

  letterSettled({ frame, index, rejection, whole }: Letter, outcome: Outcome): void {
    // The record stays in the spool, and is replayed, and refused, by the next process.
    if (outcome.kind === 'unanswered') return;
    if (outcome.kind !== 'rejected') {
      frame.deadLettered += 1;
      this.#options.done(frame);
    } else if (whole) {
      this.#buryReason(frame, index, rejection);
    } else {
      this.#unlettered(frame, rejection);
    }
  }

  #unlettered(frame: Frame, { reason }: Rejection): void {
    frame.unlettered += 1;
    this.#options.observer.unlettered(frame.topic, reason);
    this.#options.done(frame);
  }
}

/** The dead letter of a spooled record on its way to Kafka. Holds none of its bytes: thousands can be refused at once. */
class Letter implements Settleable {
  readonly frame: Frame;
  readonly index: number;
  readonly rejection: Rejection;
  /** False: only the reason is left of the record. */
  readonly whole: boolean;
  readonly #burial: Burial;

  constructor(frame: Frame, index: number, rejection: Rejection, whole: boolean, burial: Burial) {
    this.frame = frame;
    this.index = index;
    this.rejection = rejection;
    this.whole = whole;
    this.#burial = burial;
  }

  settleRecord(outcome: Outcome): void {
    this.#burial.letterSettled(this, outcome);
  }
}
