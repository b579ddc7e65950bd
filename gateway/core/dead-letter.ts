import { DeadLetterEncoder } from './dead-letter-encoder.ts';
import type { Outcome, Rejection } from './outcome.ts';
import type { Publish, Settleable } from './publish.ts';
import type { RecordEncoder } from './record-sink.ts';

/** Who wants to know how a dead letter ended. */
export interface DeadLetterOwner {
  letterSettled(letter: DeadLetter, outcome: Outcome): void;
}

/** A rejected publish on its way to the dead-letter topic: raw payload as value, the reason in headers. */
export class DeadLetter implements Settleable {
  readonly publish: Publish;
  readonly rejection: Rejection;
  /** False: the payload did not fit; the value is empty and a header says so. */
  readonly withPayload: boolean;
  readonly #owner: DeadLetterOwner;

  constructor(publish: Publish, rejection: Rejection, withPayload: boolean, owner: DeadLetterOwner) {
    this.publish = publish;
    this.rejection = rejection;
    this.withPayload = withPayload;
    this.#owner = owner;
  }

  settleRecord(outcome: Outcome): void {
    this.#owner.letterSettled(this, outcome);
  }
}

export const deadLetterEncoder: RecordEncoder<DeadLetter> = new DeadLetterEncoder();
