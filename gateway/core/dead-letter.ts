import { type Outcome, type Rejection, rejected } from './outcome.ts';
import type { Publish, Settleable } from './publish.ts';
import type { RecordEncoder } from './record-sink.ts';

/** Who wants to know how a dead letter ended. */
export interface DeadLetterOwner {
  letterSettled(publish: Publish, rejection: Rejection, outcome: Outcome, onKafka: boolean): void;
}

/** A rejected publish on its way to the dead-letter topic: raw payload as value, the reason in headers. */
export class DeadLetter implements Settleable {
  readonly publish: Publish;
  readonly rejection: Rejection;
  /** False: the payload did not fit; value is null and a header says so. */
  readonly withPayload: boolean;
  readonly #owner: DeadLetterOwner;

  constructor(publish: Publish, rejection: Rejection, withPayload: boolean, owner: DeadLetterOwner) {
    this.publish = publish;
    this.rejection = rejection;
    this.withPayload = withPayload;
    this.#owner = owner;
  }

  settleRecord(outcome: Outcome): void {
    // Delivered means that the letter is on Kafka, so that the publish may now be answered as rejected.
    const final = outcome.kind === 'unanswered' ? outcome : rejected(this.rejection);
    this.#owner.letterSettled(this.publish, this.rejection, final, outcome.kind === 'delivered');
  }
}

export declare const deadLetterEncoder: RecordEncoder<DeadLetter>;
