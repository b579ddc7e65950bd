import type { Identity } from './identity.ts';
import { duplicate, type Outcome, worse } from './outcome.ts';
import type { Recall } from './recall.ts';

/** What moves with a publish and is told how it ended, before the device is. */
export interface Trail {
  concluded(outcome: Outcome): void;
}

/** What a record reports to when Kafka has answered for it. Called exactly once per appended record. */
export interface Settleable {
  settleRecord(outcome: Outcome): void;
}

/**
 * One inbound publish: payload and settlement travel together.
 *
 * An edge subclasses it and implements `answer` (PUBACK, PUBREC, nothing for QoS 0). The pipeline says with `expect`
 * how many records it becomes; when the last of them is settled, `conclude` runs once with the worst of their outcomes.
 * No closure, promise or buffer is made per message.
 */
export abstract class Publish implements Settleable {
  abstract readonly identity: Identity;
  abstract readonly topic: string;
  abstract readonly payload: Uint8Array;
  abstract readonly qos: 0 | 1 | 2;
  /** Milliseconds since the epoch at which the gateway read it. */
  abstract readonly receivedAtMs: number;
  /** MQTT 5 content type, or undefined. */
  abstract readonly contentType: string | undefined;
  /** MQTT 5 user property `traceparent` (W3C Trace Context), or undefined. */
  abstract readonly traceparent: string | undefined;
  /** MQTT 5 correlation data as UTF-8 or hex, or undefined. */
  abstract readonly correlationId: string | undefined;

  /** How many times it has been replayed out of the dead letters; 0: it comes from its device. */
  get replayAttempt(): number {
    return 0;
  }

  /** A will: the device is not there, and had to be allowed to leave it. */
  get isWill(): boolean {
    return false;
  }

  /** What is remembered of the publish before it; undefined: nothing is, and nothing will be of this one. */
  get recall(): Recall | undefined {
    return undefined;
  }

  /** Who takes the final outcome before the device is answered; set by `Ingest`. */
  concluder: Concluder | undefined;
  /** Set by the pipeline where something moves with it. */
  trail: Trail | undefined;
  /** Nothing is written for it: all of its events are copies. Set by the pipeline. */
  isCopy = false;
  #outstanding = 0;
  /** The least of all outcomes: that of a publish without a record. */
  #outcome: Outcome = duplicate;
  #copies: readonly Settleable[] | undefined;

  /** Nobody waits for its answer any more, and its device has to send it again. */
  get isAbandoned(): boolean {
    return false;
  }

  /** Announces `records` more records. Must be called before the first of them is appended. */
  expect(records: number): void {
    this.#outstanding += records;
  }

  settleRecord(outcome: Outcome): void {
    this.#outcome = worse(this.#outcome, outcome);
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.concluder?.conclude(this, this.#outcome);
  }

  /** Has copies of its events wait for its answer. */
  addCopies(copies: readonly Settleable[]): void {
    this.#copies = this.#copies === undefined ? copies : [...this.#copies, ...copies];
  }

  /** Answers the device, and tells the copies of its events that wait for that. */
  end(outcome: Outcome): void {
    const copies = this.#copies;
    this.#copies = undefined;
    this.answer(outcome);
    if (copies !== undefined) tellAll(copies, outcome);
  }

  /** Answers the device according to the rules of delivery. Called exactly once. */
  abstract answer(outcome: Outcome): void;
}

export interface Concluder {
  conclude(publish: Publish, outcome: Outcome): void;
}

/** Tells each the outcome. One that throws does not keep it from the others. */
export function tellAll(settleables: readonly Settleable[], outcome: Outcome): void {
  const errors: unknown[] = [];
  for (const settleable of settleables) {
    try {
      settleable.settleRecord(outcome);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
