import { Buffer } from 'node:buffer';
import type { Identity } from '../core/identity.ts';
import type { Connection } from './connection.ts';
import type { MqttContext } from './context.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Session } from './session.ts';

/** A connection that was let in, and its session. */
interface Live {
  readonly connection: Connection;
  readonly session: Session;
  readonly identity: Identity;
}

const idOf = ({ session }: Live): string => Buffer.from(session.key).toString('base64url');
const keyOf = (id: string): string => Buffer.from(id, 'base64url').toString('utf8');

/** The sessions that have a connection, for whoever administers them. Seldom asked: each page looks at every connection. */
export class LiveSessions {
  readonly #context: MqttContext;

  constructor(context: MqttContext) {
    this.#context = context;
  }

  /**
   * A page in the order of their keys: sessions that come and go in between move none of the others.
   *
   * @param after id of the last one that was seen; empty: from the beginning.
   */
  page({ after, limit, deviceId }: { after: string; limit: number; deviceId?: string | undefined }) {
    const afterKey = keyOf(after);
    let found: Live[] = [];
    for (const live of this.#all()) {
      if (live.session.key <= afterKey || (deviceId !== undefined && live.identity.deviceId !== deviceId)) continue;
      found.push(live);
      // Sorted now and then only, so that all of them cost little more than looking at each.
      if (found.length > 4 * limit) found = firstOf(found, limit + 1);
    }
    const page = firstOf(found, limit + 1);
    const sessions = page.slice(0, limit);
    const last = sessions.at(-1);
    const next = page.length > limit && last !== undefined ? idOf(last) : undefined;
    return { sessions: sessions.map((live) => factsOf(live)), next };
  }

  find(id: string) {
    const live = this.#find(id);
    if (live === undefined) return undefined;
    const { connection, session } = live;
    return {
      ...factsOf(live),
      keepAliveSeconds: connection.clock.keepAliveMs / 1500,
      receiveMaximum: connection.receiveMaximum,
      expirySeconds: session.expirySeconds,
      hasWill: session.will !== undefined,
      isPaused: this.#context.paused.has(connection),
      unansweredBytes: connection.outgoing.payloadBytes,
      subscriptions: [...(session.subscriptions ?? [])].map(([filter, qos]) => ({ filter, qos })),
    };
  }

  /** Ends the connection with DISCONNECT 0x98 (5.0, section 3.14.2.1). Its will is published. */
  disconnect(id: string): boolean {
    const live = this.#find(id);
    if (live === undefined) return false;
    const reason = 'disconnected by an administrator';
    live.connection.disconnect(reasonCodes.administrativeAction, 'administrative_action', reason);
    return true;
  }

  #find(id: string): Live | undefined {
    const connection = this.#context.sessions.find(keyOf(id))?.connection;
    return connection === undefined ? undefined : liveOf(connection);
  }

  *#all(): Generator<Live> {
    for (const connection of this.#context.connections) {
      const live = liveOf(connection);
      if (live !== undefined) yield live;
    }
  }
}

function liveOf(connection: Connection): Live | undefined {
  const { session, identity } = connection;
  return connection.isOpen && session !== undefined && identity !== undefined
    ? { connection, session, identity }
    : undefined;
}

function firstOf(found: readonly Live[], count: number): Live[] {
  return found
    .toSorted((a, b) => (a.session.key < b.session.key ? -1 : a.session.key > b.session.key ? 1 : 0))
    .slice(0, count);
}

function factsOf(live: Live) {
  const { connection, session, identity } = live;
  return {
    id: idOf(live),
    clientId: session.clientId,
    deviceId: identity.deviceId,
    kind: identity.kind,
    boundTo: identity.boundTo,
    groups: identity.groups ?? [],
    listener: connection.listener,
    remoteAddress: connection.remoteAddress,
    version: connection.version === 5 ? ('5.0' as const) : ('3.1.1' as const),
    connectedAtMs: connection.connectedAtMs,
    inFlight: Math.max(0, connection.inFlight),
    subscriptionCount: session.subscriptions?.size ?? 0,
  };
}
