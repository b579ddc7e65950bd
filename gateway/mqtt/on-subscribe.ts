import type { Connection } from './connection.ts';
import { decodeSubscribe, type SubscriptionRequest } from './decode/subscribe.ts';
import { encode } from './encode.ts';
import { type ReasonCode, reasonCodes } from './reason-codes.ts';
import type { Session } from './session.ts';
import type { Violation } from './violation.ts';

/** What a SUBACK of 3.1.1 says for every refusal (section 3.9.3). */
const failure = 0x80;

/**
 * SUBSCRIBE (section 3.8) → SUBACK with one code per filter [MQTT-3.8.4-6]. QoS 1 is the most that is granted.
 *
 * Wildcards, shared subscriptions and subscription identifiers are not offered: CONNACK says so in 5.0, and a client that
 * uses them all the same breaks the standard (sections 3.2.2.3.11 to 3.2.2.3.13).
 */
export function onSubscribe(connection: Connection, flags: number): Violation | undefined {
  const { context, session } = connection;
  const version = connection.version ?? 4;
  const packet = decodeSubscribe(context.reader, flags, version);
  if ('code' in packet) return packet;
  if (session === undefined) return undefined;
  if (packet.properties.subscriptionIdentifier !== undefined) return notOffered.identifiers;
  const granted: number[] = [];
  for (const request of packet.requests) {
    const violation = version === 5 ? refuseUnoffered(request.filter) : undefined;
    if (violation !== undefined) return violation;
    const code = subscribe(connection, session, request);
    if (code >= failure) context.observer.subscriptionRefused(connection, request.filter);
    granted.push(version === 4 && code >= failure ? failure : code);
  }
  const bytes = encode({ cmd: 'suback', messageId: packet.packetId, granted }, version, connection.maximumPacketSize);
  if (bytes !== undefined) connection.outgoing.send(bytes);
  return undefined;
}

const notOffered = {
  identifiers: {
    code: reasonCodes.subscriptionIdentifiersNotSupported,
    detail: 'subscription identifiers are not supported',
  },
  shared: { code: reasonCodes.sharedSubscriptionsNotSupported, detail: 'shared subscriptions are not supported' },
  wildcards: {
    code: reasonCodes.wildcardSubscriptionsNotSupported,
    detail: 'wildcard subscriptions are not supported',
  },
} as const satisfies Record<string, Violation>;

function refuseUnoffered(filter: string): Violation | undefined {
  if (filter.startsWith('$share/')) return notOffered.shared;
  return hasWildcard(filter) && isWellFormed(filter) ? notOffered.wildcards : undefined;
}

function subscribe(connection: Connection, session: Session, request: SubscriptionRequest): 0 | 1 | ReasonCode {
  const { options, limits } = connection.context;
  const { filter } = request;
  if (!isWellFormed(filter)) return reasonCodes.topicFilterInvalid;
  if (hasWildcard(filter) || !options.maySubscribe(session.identity, filter)) return reasonCodes.notAuthorized;
  session.subscriptions ??= new Map();
  if (session.subscriptions.size >= limits.maxSubscriptionsPerSession && !session.subscriptions.has(filter)) {
    return reasonCodes.quotaExceeded;
  }
  const qos = request.qos === 0 ? 0 : 1;
  session.subscriptions.set(filter, qos);
  return qos;
}

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#');

/** A wildcard stands for a whole level, `#` only for the last [MQTT-4.7.1-1, MQTT-4.7.1-2]. */
function isWellFormed(filter: string): boolean {
  const levels = filter.split('/');
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || !hasWildcard(level);
  });
}
