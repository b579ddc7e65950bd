import type { Outcome, Rejection } from '../core/outcome.ts';
import type { RecordSink } from '../core/record-sink.ts';
import type { Frame } from './frame.ts';
import type { SpoolObserver } from './observer.ts';
import { RefusedRecord, type RefusedRecordOwner, refusedRecordEncoder } from './refused-record.ts';

export interface BurialOptions {
  readonly deadLetterTopic: string;
  readonly observer: SpoolObserver;
  /** Where letters go: straight to Kafka, which has just answered. */
  readonly target: () => RecordSink;
  /** One more record of the frame is settled. */
  readonly done: (frame: Frame) => void;
}

/** What becomes of a record of the spool that Kafka never takes: a dead letter, or at least its reason, and never nothing. */
export class Burial implements RefusedRecordOwner {
  readonly #options: BurialOptions;

  constructor(options: BurialOptions) {
    this.#options = options;
  }

  /** @param index of the record in the frame's batch. */
  bury(frame: Frame, index: number, rejection: Rejection): void {
    // A letter that was refused would be refused again.
    const isLetter = frame.topic === this.#options.deadLetterTopic;
    if (!isLetter && this.#append(new RefusedRecord(frame, index, rejection, true, this))) return;
    this.#buryReason(frame, index, rejection);
  }

  #buryReason(frame: Frame, index: number, rejection: Rejection): void {
    if (!this.#append(new RefusedRecord(frame, index, rejection, false, this))) this.#unlettered(frame, rejection);
  }

  #append(letter: RefusedRecord): boolean {
    const { deadLetterTopic, target } = this.#options;
    const { key, record } = letter;
    return target().append(deadLetterTopic, key, record.timestampMs, refusedRecordEncoder, letter, letter);
  }

  letterSettled({ frame, index, rejection, whole }: RefusedRecord, outcome: Outcome): void {
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
