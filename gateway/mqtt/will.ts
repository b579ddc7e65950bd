import type { Buffer } from 'node:buffer';
import type { Identity } from '../core/identity.ts';
import { Publish } from '../core/publish.ts';
import type { MqttContext } from './context.ts';
import type { WillFields } from './decode/connect.ts';
import { correlationIdOf, traceparentOf } from './message-properties.ts';
import type { Session } from './session.ts';

/** A will message (section 3.1.2.5) with the identity of the connection that left it. */
export interface Will {
  readonly fields: WillFields;
  readonly identity: Identity;
  readonly delaySeconds: number;
}

/** A will on its way: published when due, unless the session is taken up again before [MQTT-3.1.3-9]. */
export interface PendingWill {
  readonly will: Will;
  /** Which has left it; may have ended. */
  readonly session: Session;
  /** Coarse monotonic milliseconds. */
  dueAtMs: number;
}

/** A will goes through the pipeline like any other publish; nobody waits for its answer. */
class WillPublish extends Publish {
  override readonly identity: Identity;
  override readonly topic: string;
  override readonly payload: Buffer;
  override readonly qos: 0 | 1 | 2;
  override readonly receivedAtMs: number;
  override readonly contentType: string | undefined;
  override readonly traceparent: string | undefined;
  override readonly correlationId: string | undefined;

  readonly #context: MqttContext;

  constructor(will: Will, context: MqttContext) {
    super();
    this.#context = context;
    this.identity = will.identity;
    this.topic = will.fields.topic;
    this.payload = will.fields.payload;
    this.qos = will.fields.qos;
    this.receivedAtMs = context.options.now();
    this.contentType = will.fields.properties.contentType;
    this.traceparent = traceparentOf(will.fields.properties);
    this.correlationId = correlationIdOf(will.fields.properties);
  }

  override get isWill(): boolean {
    return true;
  }

  override answer(): void {
    this.#context.publishesHeld -= 1;
  }
}

/**
 * Wills that wait for their delay, or for the pressure to fall: thousands of devices that vanish at once must not push
 * the gateway over its limits. At most one per session, so the number of sessions bounds it.
 */
export class PendingWills {
  readonly #context: MqttContext;
  readonly #waiting = new Set<PendingWill>();

  constructor(context: MqttContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Whose wills wait; some of them have ended. */
  get sessions(): Session[] {
    return Array.from(this.#waiting, ({ session }) => session);
  }

  /** Publishes at `dueAtMs`, or at once when that has passed. */
  schedule(will: Will, dueAtMs: number, session: Session): PendingWill {
    const pending = { will, dueAtMs, session };
    this.#waiting.add(pending);
    this.#publishIfDue(pending);
    return pending;
  }

  cancel(pending: PendingWill): void {
    this.#waiting.delete(pending);
  }

  /** Those of sessions that were somebody else's are published never. */
  withdraw(isForeign: (session: Session, will: Will) => boolean): void {
    for (const pending of this.#waiting) {
      if (!isForeign(pending.session, pending.will)) continue;
      this.#waiting.delete(pending);
      this.#context.observer.willWithdrawn();
    }
  }

  /** The session has ended: its will waits no longer (section 3.1.3.2.2). */
  hasten(pending: PendingWill): void {
    if (!this.#waiting.has(pending)) return;
    pending.dueAtMs = this.#context.coarseMs;
    this.#publishIfDue(pending);
  }

  sweep(): void {
    for (const pending of this.#waiting) this.#publishIfDue(pending);
  }

  clear(): void {
    this.#waiting.clear();
  }

  #publishIfDue(pending: PendingWill): void {
    const context = this.#context;
    if (context.pressure === 2 || context.readingStopped || pending.dueAtMs > context.coarseMs) return;
    this.#waiting.delete(pending);
    context.observer.willPublished();
    context.options.presence?.willPublished(pending.will.identity);
    try {
      context.handOn(new WillPublish(pending.will, context));
    } catch (error) {
      context.observer.internalError(undefined, error);
    }
  }
}
