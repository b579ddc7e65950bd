import type { Identity } from '../gateway/core/identity.ts';
import { Publish } from '../gateway/core/publish.ts';
import type { Letter } from './letter.ts';

/** The publish of a letter, as the gateway received it: the same device, the same time of receipt. */
export class ReplayedPublish extends Publish {
  override readonly identity: Identity;
  override readonly topic: string;
  override readonly payload: Uint8Array;
  override readonly qos: 0 | 1 | 2;
  override readonly receivedAtMs: number;
  override readonly contentType: string | undefined;
  override readonly traceparent: string | undefined;
  override readonly correlationId: string | undefined;
  readonly #attempt: number;

  constructor(letter: Letter, attempt: number) {
    super();
    this.identity = letter.identity;
    this.topic = letter.mqttTopic;
    this.payload = letter.payload;
    this.qos = letter.qos;
    this.receivedAtMs = letter.receivedAtMs;
    this.contentType = letter.contentType;
    this.traceparent = letter.traceparent;
    this.correlationId = letter.correlationId;
    this.#attempt = attempt;
  }

  override get replayAttempt(): number {
    return this.#attempt;
  }

  /** Its device was answered long ago. */
  override answer(): void {}
}
