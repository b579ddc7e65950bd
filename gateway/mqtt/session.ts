import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Connection } from './connection.ts';
import type { ListenerOptions } from './context.ts';
import type { Unanswered } from './inbound-publish.ts';
import type { PendingWill, Will } from './will.ts';

/**
 * A QoS 2 publish between its PUBLISH and its PUBREL (section 4.3.3). While `outcome` is undefined the publish is on its
 * way to Kafka; afterwards it waits for PUBREL. In both cases the packet identifier is in flight: the publish is never
 * handed on again.
 */
export class QoS2Exchange {
  outcome: Outcome | undefined;
  /**
   * The PUBREC that is owed: a place in the answers of `connection`. Undefined once it is sent, for it may hold the
   * payload, and PUBREL may be long in coming.
   */
  place: Unanswered | undefined;
  /** Over which the PUBLISH came last, and whose receive maximum counts it. Undefined once that has ended. */
  connection: Connection | undefined;

  /** The next PUBREC takes `place`. */
  owe(place: Unanswered): void {
    this.place = place;
    this.connection = place.connection;
  }

  settle(outcome: Outcome): void {
    this.outcome = outcome;
    if (this.place === undefined) return;
    this.place.outcome = outcome;
    this.place.connection.outgoing.changed();
  }

  /** The connection has ended: a session that is away must keep neither it nor what was owed over it in memory. */
  forgetConnection(): void {
    this.place = undefined;
    this.connection = undefined;
  }
}

/** State that may outlive a connection (section 4.1). Everything in it is made on first use: most sessions hold none. */
export class Session {
  readonly key: string;
  readonly clientId: string;
  identity: Identity;
  /** Undefined while the device is away. */
  connection: Connection | undefined;
  /** What its latest connection came with, and by: revoking that there ends the session too. */
  certificate: ClientCertificate | undefined;
  listener: ListenerOptions | undefined;
  /** How long it lives without a connection; 0 ends it with the connection. */
  expirySeconds = 0;
  /** Coarse monotonic milliseconds; meaningful while the device is away. */
  expiresAtMs = 0;
  will: Will | undefined;
  pendingWill: PendingWill | undefined;
  exchanges: Map<number, QoS2Exchange> | undefined;
  /** Granted QoS by topic filter. */
  subscriptions: Map<string, 0 | 1> | undefined;

  constructor(key: string, clientId: string, identity: Identity) {
    this.key = key;
    this.clientId = clientId;
    this.identity = identity;
  }

  /** The connection has ended: lets go of what only answering over it needed. */
  forgetConnection(): void {
    this.connection = undefined;
    if (this.exchanges === undefined) return;
    for (const exchange of this.exchanges.values()) exchange.forgetConnection();
  }
}
