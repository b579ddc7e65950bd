import { DeadLetter, type DeadLetterOwner, type LetterForm } from './dead-letter.ts';
import { DeadLetterEncoder } from './dead-letter-encoder.ts';
import type { RecordOrigin } from './headers/common-headers.ts';
import type { LetterCap } from './letter-cap.ts';
import { type Outcome, type Rejection, rejected, unanswered } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Concluder, Publish } from './publish.ts';
import { type Pressure, type RecordSink, undated } from './record-sink.ts';
import type { StageObserver } from './stage-failure.ts';

/** What is counted at the heart of the gateway; implemented by observability. Rule 7: these figures must add up. */
export interface IngestObserver {
  received(publish: Publish): void;
  delivered(publish: Publish): void;
  /** All of its records are durable, at least one of them in the spool and not on Kafka yet. */
  spooled(publish: Publish): void;
  /** `deadLettered`: false only if even the stripped dead letter did not fit. */
  rejected(publish: Publish, rejection: Rejection, deadLettered: boolean): void;
  /** Rejected without a letter, as its device has had its share of them; its next letter counts it. */
  unkept(publish: Publish, rejection: Rejection): void;
  /** All of its events have come before: nothing was written for it. */
  duplicate(publish: Publish): void;
  shed(publish: Publish): void;
  unanswered(publish: Publish): void;
}

export interface IngestOptions extends RecordOrigin {
  readonly pipeline: Pipeline;
  readonly sink: RecordSink;
  readonly deadLetterTopic: string;
  /** Letters are encrypted behind the sink: what they hold of payloads must not stand in a header. Default: false. */
  readonly withholdDetails?: boolean;
  /** Undefined: every rejected publish becomes a letter. */
  readonly letterCap?: LetterCap | undefined;
  readonly observer: IngestObserver;
  /** Told of letters that could not be written for a defect. */
  readonly stageObserver?: StageObserver | undefined;
  /** Current pressure; QoS 0 is shed from level 1 on. */
  readonly pressure: () => Pressure;
}

/**
 * Takes each publish through the pipeline to its outcome: delivered, or dead-lettered and then rejected, or left
 * unanswered on shutdown. Synchronous; every publish ends in exactly one `answer`.
 */
export class Ingest implements Concluder, DeadLetterOwner {
  readonly #options: IngestOptions;
  readonly #letterEncoder: DeadLetterEncoder;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#letterEncoder = new DeadLetterEncoder(options, options.withholdDetails);
  }

  receive(publish: Publish): void {
    const { pipeline, sink, observer, pressure } = this.#options;
    observer.received(publish);
    if (publish.qos === 0 && pressure() > 0) {
      observer.shed(publish);
      publish.answer(unanswered);
      return;
    }
    publish.concluder = this;
    const rejection = pipeline.run(publish, sink);
    if (rejection !== undefined) this.#rejectedByPipeline(publish, rejection);
  }

  conclude(publish: Publish, outcome: Outcome): void {
    if (publish.trail !== undefined) publish.trail.concluded(outcome);
    if (outcome.kind === 'delivered') {
      this.#options.observer.delivered(publish);
      publish.answer(outcome);
    } else if (outcome.kind === 'spooled') {
      this.#options.observer.spooled(publish);
      publish.answer(outcome);
    } else if (outcome.kind === 'unanswered') {
      this.#leaveUnanswered(publish);
    } else if (outcome.kind === 'duplicate' || publish.isCopy) {
      // A copy of what was refused shares its dead letter, which is durable by now.
      this.#options.observer.duplicate(publish);
      publish.end(outcome);
    } else {
      // Only Kafka itself can refuse here, after the pipeline had taken the publish.
      this.#deadLetter(publish, outcome.rejection);
    }
  }

  /**
   * What is wrong lies with the device, and a device may be wrong all day: beyond its share it is answered and counted, and
   * gets no letter. What Kafka refuses (`conclude`) always gets one, and what a defect of the gateway does.
   */
  #rejectedByPipeline(publish: Publish, rejection: Rejection): void {
    const { letterCap, observer } = this.#options;
    if (rejection.reason === 'internal_error') {
      this.#deadLetter(publish, rejection);
      return;
    }
    const unkept = letterCap?.take(publish.identity, publish.receivedAtMs) ?? 0;
    if (unkept >= 0) {
      this.#deadLetter(publish, rejection, unkept);
      return;
    }
    observer.unkept(publish, rejection);
    publish.end(rejected(rejection));
  }

  /** First the dead letter on Kafka, then the answer (rule 3). */
  #deadLetter(publish: Publish, rejection: Rejection, unkept = 0): void {
    this.#send(new DeadLetter(publish, rejection, 'whole', this, unkept), 'stripped');
  }

  /** @param otherwise the form to try when the sink does not take this one. */
  #send(letter: DeadLetter, otherwise?: LetterForm): void {
    try {
      if (this.#appendLetter(letter)) return;
    } catch (error) {
      this.#letterFailed(letter, error);
      return;
    }
    if (otherwise === undefined) this.#reject(letter.publish, letter.rejection, false);
    else this.#send(letter.as(otherwise));
  }

  /** Without a letter there is no answer: the device sends it again. */
  #letterFailed(letter: DeadLetter, error: unknown): void {
    this.#options.stageObserver?.stageFailed('dead_letter', error);
    if (letter.form === 'stripped') this.#leaveUnanswered(letter.publish);
    else this.#send(letter.as('stripped'));
  }

  #appendLetter(letter: DeadLetter): boolean {
    const { sink, deadLetterTopic } = this.#options;
    const timestampMs = letter.form === 'whole' ? letter.publish.receivedAtMs : undated;
    return sink.append(deadLetterTopic, letter.key, timestampMs, this.#letterEncoder, letter, letter);
  }

  /** A dead letter is durable, or refused: only now may the device be told (rule 3). */
  letterSettled(letter: DeadLetter, outcome: Outcome): void {
    const { publish, rejection, form } = letter;
    if (outcome.kind === 'delivered' || outcome.kind === 'spooled') this.#reject(publish, rejection, true);
    else if (outcome.kind === 'unanswered') this.#leaveUnanswered(publish);
    else if (form === 'whole') this.#send(letter.as('undated'), 'stripped');
    else if (form === 'undated') this.#send(letter.as('stripped'));
    else this.#reject(publish, rejection, false);
  }

  #reject(publish: Publish, rejection: Rejection, deadLettered: boolean): void {
    this.#options.observer.rejected(publish, rejection, deadLettered);
    publish.end(rejected(rejection));
  }

  #leaveUnanswered(publish: Publish): void {
    this.#options.observer.unanswered(publish);
    publish.end(unanswered);
  }
}
