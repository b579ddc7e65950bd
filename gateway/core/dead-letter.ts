import { digest } from './digest.ts';
import type { Outcome, Rejection } from './outcome.ts';
import type { Publish, Settleable } from './publish.ts';

/** Who wants to know how a dead letter ended. */
export interface DeadLetterOwner {
  letterSettled(letter: DeadLetter, outcome: Outcome): void;
}

/**
 * What is left of a publish in its letter. `whole`: its payload, dated with the time of receipt. `undated`: its payload,
 * for a topic that refuses that date, as Kafka does when the gateway's clock is an hour ahead of its own. `stripped`:
 * neither; the value is empty and a header says so.
 */
export type LetterForm = 'whole' | 'undated' | 'stripped';

/** A rejected publish on its way to the dead-letter topic: raw payload as value, the reason in headers. */
export class DeadLetter implements Settleable {
  readonly publish: Publish;
  readonly rejection: Rejection;
  readonly form: LetterForm;
  /** Publishes of the device that were rejected since its last letter and not kept. */
  readonly unkept: number;
  readonly #owner: DeadLetterOwner;
  #digest: string | undefined;

  constructor(publish: Publish, rejection: Rejection, form: LetterForm, owner: DeadLetterOwner, unkept = 0) {
    this.publish = publish;
    this.rejection = rejection;
    this.form = form;
    this.unkept = unkept;
    this.#owner = owner;
  }

  /** The same letter in another form. */
  as(form: LetterForm): DeadLetter {
    return new DeadLetter(this.publish, this.rejection, form, this.#owner, this.unkept);
  }

  /** Record key: whom the device is bound to; its own id on an anonymous listener. */
  get key(): string {
    const { boundTo, deviceId } = this.publish.identity;
    return boundTo || deviceId;
  }

  /** Fingerprint of the publish. */
  get digest(): string {
    this.#digest ??= digest(this.publish.topic, this.publish.payload);
    return this.#digest;
  }

  settleRecord(outcome: Outcome): void {
    this.#owner.letterSettled(this, outcome);
  }
}
