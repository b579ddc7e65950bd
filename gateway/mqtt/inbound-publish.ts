import type { Buffer } from 'node:buffer';
import type { Identity } from '../core/identity.ts';
import type { Outcome } from '../core/outcome.ts';
import { Publish } from '../core/publish.ts';
import type { Recall } from '../core/recall.ts';
import type { Connection } from './connection.ts';
import type { QoS2Exchange } from './session.ts';

/**
 * One place in the answers that a connection owes, in the order in which its publishes arrived [MQTT-4.6.0-2]. The places
 * of a connection form a list through `next`; nothing else is allocated for it.
 */
export interface Unanswered {
  readonly connection: Connection;
  readonly qos: 0 | 1 | 2;
  readonly packetId: number;
  /** What it counts towards the connection's share of unsettled bytes. */
  readonly payloadBytes: number;
  outcome: Outcome | undefined;
  next: Unanswered | undefined;
  /** QoS 2 only; outlives the connection. */
  readonly exchange: QoS2Exchange | undefined;
}

/** A PUBLISH that a device sent, with what is needed to answer it. */
export class InboundPublish extends Publish implements Unanswered {
  override readonly identity: Identity;
  override readonly topic: string;
  override readonly payload: Buffer;
  override readonly qos: 0 | 1 | 2;
  override readonly receivedAtMs: number;
  override readonly contentType: string | undefined;
  override readonly traceparent: string | undefined;
  override readonly correlationId: string | undefined;
  readonly connection: Connection;
  readonly packetId: number;
  outcome: Outcome | undefined = undefined;
  next: Unanswered | undefined = undefined;
  exchange: QoS2Exchange | undefined = undefined;

  constructor(
    connection: Connection,
    identity: Identity,
    topic: string,
    payload: Buffer,
    qos: 0 | 1 | 2,
    packetId: number,
    receivedAtMs: number,
    contentType: string | undefined,
    traceparent: string | undefined,
    correlationId: string | undefined,
  ) {
    super();
    this.connection = connection;
    this.identity = identity;
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.packetId = packetId;
    this.receivedAtMs = receivedAtMs;
    this.contentType = contentType;
    this.traceparent = traceparent;
    this.correlationId = correlationId;
  }

  get payloadBytes(): number {
    return this.payload.length;
  }

  override get recall(): Recall | undefined {
    return this.connection.recall;
  }

  /** What becomes of a QoS 2 publish the session keeps, for the next connection. */
  override get isAbandoned(): boolean {
    return this.qos < 2 && this.connection.hasEnded;
  }

  /**
   * Settles the publish. The answer itself leaves with the next flush of its connection, behind those of earlier
   * publishes. A QoS 1 answer belongs to the connection over which the publish came and dies with it; the outcome of a
   * QoS 2 publish is kept by the session.
   */
  override answer(outcome: Outcome): void {
    this.connection.context.publishesHeld -= 1;
    if (this.qos === 0) return;
    if (this.exchange !== undefined) {
      this.exchange.settle(outcome);
      return;
    }
    this.outcome = outcome;
    this.connection.outgoing.changed();
  }
}

/** A QoS 2 PUBLISH that came again while its packet identifier was in flight: owed an answer, not handed on. */
export class ResentPublish implements Unanswered {
  readonly connection: Connection;
  readonly qos = 2;
  readonly packetId: number;
  readonly payloadBytes = 0;
  readonly exchange: QoS2Exchange;
  outcome: Outcome | undefined;
  next: Unanswered | undefined = undefined;

  constructor(connection: Connection, packetId: number, exchange: QoS2Exchange) {
    this.connection = connection;
    this.packetId = packetId;
    this.exchange = exchange;
    this.outcome = exchange.outcome;
  }
}
