import { haveSameRights, type Identity } from '../core/identity.ts';
import type { Connection } from './connection.ts';
import type { MqttContext } from './context.ts';
import { endSubscriptionsOf } from './ended-subscriptions.ts';
import { reasonCodes } from './reason-codes.ts';
import { Session } from './session.ts';

const keyOf = ({ kind, deviceId }: Identity, clientId: string): string => `${kind}\0${deviceId}\0${clientId}`;

/**
 * All sessions, connected or away (section 4.1). A client identifier counts per device: one device can neither take
 * over the session of another nor keep it from connecting by using its identifier. Nor can an anonymous client, whose
 * device id is whatever it says: kinds are kept apart.
 */
export class Sessions {
  readonly #context: MqttContext;
  readonly #byKey = new Map<string, Session>();
  /** Sessions without a connection, longest away first. */
  readonly #away = new Set<Session>();

  constructor(context: MqttContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Those that are away, too. */
  all(): Iterable<Session> {
    return this.#byKey.values();
  }

  get away(): number {
    return this.#away.size;
  }

  /** Sessions without a connection. */
  get awaySessions(): Iterable<Session> {
    return this.#away;
  }

  /** By its key. */
  find(key: string): Session | undefined {
    return this.#byKey.get(key);
  }

  /** Whether the session has a connection, which `open` would close. */
  isConnected(identity: Identity, clientId: string): boolean {
    return this.#byKey.get(keyOf(identity, clientId))?.connection !== undefined;
  }

  /**
   * Gives the session to `connection`. A connection that has it is closed with 0x8E [MQTT-3.1.4-3]; a clean start ends
   * the old session [MQTT-3.1.2-4]. So does a device that may do something else by now: what the session holds was
   * granted to the one that it was before.
   */
  open(
    connection: Connection,
    identity: Identity,
    clientId: string,
    clean: boolean,
  ): { readonly session: Session; readonly present: boolean } {
    const key = keyOf(identity, clientId);
    const holder = this.#byKey.get(key)?.connection;
    if (holder !== undefined) {
      this.#context.observer.sessionTakenOver(holder);
      holder.disconnect(reasonCodes.sessionTakenOver, 'session_taken_over');
    }
    // Closing the holder has ended its session, if that was not persistent.
    const existing = this.#byKey.get(key);
    if (existing !== undefined && !clean && haveSameRights(existing.identity, identity)) {
      this.#resume(existing, connection, identity);
      return { session: existing, present: true };
    }
    if (existing !== undefined) this.end(existing);
    this.#makeRoom();
    const session = new Session(key, clientId, identity);
    takeUp(session, connection);
    this.#byKey.set(key, session);
    return { session, present: false };
  }

  /** The connection of a session has ended. `publishWill`: it ended in a way that calls for the will. */
  leave(session: Session, connection: Connection, publishWill: boolean): void {
    if (session.connection !== connection) return;
    session.forgetConnection();
    const { coarseMs } = this.#context;
    const { will } = session;
    session.will = undefined;
    if (will !== undefined && publishWill) {
      const delaySeconds = Math.min(will.delaySeconds, session.expirySeconds);
      session.pendingWill = this.#context.wills.schedule(will, coarseMs + delaySeconds * 1000, session);
    }
    if (session.expirySeconds === 0) {
      this.end(session);
      return;
    }
    session.expiresAtMs = coarseMs + session.expirySeconds * 1000;
    this.#away.add(session);
  }

  /** Ends the sessions whose time is over [MQTT-4.1.0-2]. */
  sweep(): void {
    const { coarseMs, observer } = this.#context;
    for (const session of this.#away) {
      if (session.expiresAtMs > coarseMs) continue;
      observer.sessionExpired();
      this.end(session);
    }
  }

  #resume(session: Session, connection: Connection, identity: Identity): void {
    if (session.pendingWill !== undefined) this.#context.wills.cancel(session.pendingWill);
    session.pendingWill = undefined;
    takeUp(session, connection);
    session.identity = identity;
    // It may be bound to another vehicle by now, or be in other groups.
    endSubscriptionsOf(session, (device, filter) => this.#context.options.maySubscribe(device, filter));
    this.#away.delete(session);
  }

  /** Ends a session that has no connection any more; a will that is waiting waits no longer. */
  end(session: Session): void {
    this.#byKey.delete(session.key);
    this.#away.delete(session);
    if (session.pendingWill !== undefined) this.#context.wills.hasten(session.pendingWill);
    session.pendingWill = undefined;
  }

  /** `maxSessions` is not below `maxConnections`, so there is a session that is away when the table is full. */
  #makeRoom(): void {
    if (this.#byKey.size < this.#context.limits.maxSessions) return;
    const [longestAway] = this.#away;
    if (longestAway === undefined) return;
    this.#context.observer.sessionEvicted();
    this.end(longestAway);
  }
}

function takeUp(session: Session, connection: Connection): void {
  session.connection = connection;
  session.certificate = connection.certificate;
  session.listener = connection.listenerOptions;
}
