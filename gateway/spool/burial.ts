import type { LetterForm } from '../core/dead-letter.ts';
import type { RecordOrigin } from '../core/headers/common-headers.ts';
import type { Outcome, Rejection } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import { type RecordSink, undated } from '../core/record-sink.ts';
import { RecordCursor, recordCopier } from '../record-batch/record-cursor.ts';
import type { Frame } from './frame.ts';
import type { SpoolObserver } from './observer.ts';
import { keyOf, RefusedRecordEncoder } from './refused-record.ts';

export interface BurialOptions {
  readonly deadLetterTopic: string;
  readonly origin: RecordOrigin;
  readonly observer: SpoolObserver;
  /** Where letters go: straight to Kafka, which has just answered, and encrypted where they are to be. */
  readonly target: RecordSink;
  /** One more record of the frame is settled. */
  readonly done: (frame: Frame) => void;
}

/** What becomes of a record of the spool that Kafka never takes: a dead letter, or at least its reason, and never nothing. */
export class Burial {
  readonly #options: BurialOptions;
  readonly #encoder: RefusedRecordEncoder;
  /** Where it was last: Kafka refuses the records of a batch in their order, so that each batch is read once for them. */
  #last: { readonly frame: Frame; readonly record: RecordCursor } | undefined;

  constructor(options: BurialOptions) {
    this.#options = options;
    this.#encoder = new RefusedRecordEncoder(options.origin);
  }

  /** @param index of the record in the frame's batch. */
  bury(frame: Frame, index: number, rejection: Rejection): void {
    // A letter would be refused again as it was; without its date it may not be.
    const isLetter = frame.topic === this.#options.deadLetterTopic;
    this.#send(new Letter(frame, index, rejection, isLetter ? 'undated' : 'whole', this));
  }

  #send(letter: Letter): void {
    if (this.#append(letter)) return;
    if (letter.form === 'stripped') this.#unlettered(letter);
    else this.#send(letter.as('stripped'));
  }

  #append(letter: Letter): boolean {
    const { deadLetterTopic, target } = this.#options;
    const { frame, index, rejection, form } = letter;
    const record = this.#recordAt(frame, index);
    const timestampMs = form === 'whole' ? record.timestampMs : undated;
    // A letter is one already, but for its date.
    if (form === 'undated' && frame.topic === deadLetterTopic) {
      return target.append(deadLetterTopic, keyOf(record), timestampMs, recordCopier, record, letter);
    }
    const refused = { record, frame, rejection, whole: form !== 'stripped' };
    return target.append(deadLetterTopic, keyOf(record), timestampMs, this.#encoder, refused, letter);
  }

  #recordAt(frame: Frame, index: number): RecordCursor {
    if (this.#last?.frame !== frame || this.#last.record.index > index) {
      this.#last = { frame, record: new RecordCursor(frame.batch) };
    }
    const { record } = this.#last;
    while (record.index < index && record.next());
    return record;
  }

  letterSettled(letter: Letter, outcome: Outcome): void {
    const { frame, form } = letter;
    // The record stays in the spool, and is replayed, and refused, by the next process.
    if (outcome.kind === 'unanswered') return;
    if (outcome.kind !== 'rejected') {
      frame.deadLettered += 1;
      this.#options.done(frame);
    } else if (form === 'stripped') {
      this.#unlettered(letter);
    } else {
      this.#send(letter.as(form === 'whole' ? 'undated' : 'stripped'));
    }
  }

  #unlettered({ frame, rejection }: Letter): void {
    frame.unlettered += 1;
    this.#options.observer.unlettered(frame.topic, rejection.reason);
    this.#options.done(frame);
  }
}

/** The dead letter of a spooled record on its way to Kafka. Holds none of its bytes: thousands can be refused at once. */
class Letter implements Settleable {
  readonly frame: Frame;
  readonly index: number;
  readonly rejection: Rejection;
  readonly form: LetterForm;
  readonly #burial: Burial;

  constructor(frame: Frame, index: number, rejection: Rejection, form: LetterForm, burial: Burial) {
    this.frame = frame;
    this.index = index;
    this.rejection = rejection;
    this.form = form;
    this.#burial = burial;
  }

  as(form: LetterForm): Letter {
    return new Letter(this.frame, this.index, this.rejection, form, this.#burial);
  }

  settleRecord(outcome: Outcome): void {
    this.#burial.letterSettled(this, outcome);
  }
}
