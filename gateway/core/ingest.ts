import { DeadLetter, deadLetterEncoder } from './dead-letter.ts';
import { type Outcome, type Rejection, rejected } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Concluder, Publish } from './publish.ts';
import type { Pressure, RecordSink } from './record-sink.ts';

/** What is counted at the heart of the gateway; implemented by observability. Rule 7: these figures must add up. */
export interface IngestObserver {
  received(publish: Publish): void;
  delivered(publish: Publish): void;
  /** `deadLettered`: false only if even the stripped dead letter did not fit. */
  rejected(publish: Publish, rejection: Rejection, deadLettered: boolean): void;
  shed(publish: Publish): void;
  unanswered(publish: Publish): void;
}

export interface IngestOptions {
  readonly pipeline: Pipeline;
  readonly sink: RecordSink;
  readonly deadLetterTopic: string;
  readonly observer: IngestObserver;
  /** Current pressure; QoS 0 is shed from level 1 on. */
  readonly pressure: () => Pressure;
}

/**
 * Takes each publish through the pipeline to its outcome: delivered, or dead-lettered and then rejected, or left
 * unanswered on shutdown. Synchronous; every publish ends in exactly one `answer`.
 */
export class Ingest implements Concluder {
  readonly #options: IngestOptions;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  receive(publish: Publish): void {
    const { pipeline, sink, observer, pressure } = this.#options;
    observer.received(publish);
    if (publish.qos === 0 && pressure() > 0) {
      observer.shed(publish);
      publish.answer(shedOutcome);
      return;
    }
    publish.concluder = this;
    const rejection = pipeline.run(publish, sink);
    if (rejection !== undefined) this.#deadLetter(publish, rejection);
  }

  conclude(publish: Publish, outcome: Outcome): void {
    const { observer } = this.#options;
    if (outcome.kind === 'rejected') {
      // Only Kafka itself can refuse here, after the pipeline had taken the publish.
      this.#deadLetter(publish, outcome.rejection);
      return;
    }
    if (outcome.kind === 'delivered') observer.delivered(publish);
    else observer.unanswered(publish);
    publish.answer(outcome);
  }

  /** First the dead letter on Kafka, then the answer (rule 3). */
  #deadLetter(publish: Publish, rejection: Rejection): void {
    for (const withPayload of [true, false]) {
      const letter = new DeadLetter(publish, rejection, withPayload, this);
      if (this.#append(letter)) return;
    }
    this.letterSettled(publish, rejection, rejected(rejection), false);
  }

  #append(letter: DeadLetter): boolean {
    const { sink, deadLetterTopic } = this.#options;
    const { identity, receivedAtMs } = letter.publish;
    const key = identity.boundTo || identity.deviceId;
    return sink.append(deadLetterTopic, key, receivedAtMs, deadLetterEncoder, letter, letter);
  }

  /** Called by a dead letter when Kafka has answered for it. */
  letterSettled(publish: Publish, rejection: Rejection, outcome: Outcome, onKafka: boolean): void {
    const { observer } = this.#options;
    if (outcome.kind === 'unanswered') observer.unanswered(publish);
    else observer.rejected(publish, rejection, onKafka);
    publish.answer(outcome);
  }
}

const shedOutcome: Outcome = Object.freeze({ kind: 'unanswered' });
