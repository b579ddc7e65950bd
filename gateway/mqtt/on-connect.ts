import { randomBytes } from 'node:crypto';
import type { Identity } from '../core/identity.ts';
import { holdDevice, refuseBeyondRate, rememberLogin, sourceOf } from './admit.ts';
import { authenticate, codeOfRefusal } from './authenticate.ts';
import { acceptingConnack, largestConnackBytes } from './connack.ts';
import type { Connection } from './connection.ts';
import type { Credentials } from './context.ts';
import { type ConnectPacket, decodeConnect } from './decode/connect.ts';
import { maxTopicBytes } from './decode/publish.ts';
import { takesTokens, tokenMethod, tokenOf } from './enhanced-authentication.ts';
import { connackCodeOf, redirects } from './farewell.ts';
import { reasonCodes, reasonName } from './reason-codes.ts';
import type { Violation } from './violation.ts';

interface Attempt {
  readonly connection: Connection;
  readonly packet: ConnectPacket;
  clientId: string;
}

/** Why a CONNECT is refused: a violation whose code CONNACK carries. */
type Step = (attempt: Attempt) => Violation | undefined;

/** What is checked of a well-formed CONNECT before anybody is asked who it is. */
const steps: readonly Step[] = [
  redirectWhileLeaving,
  refuseWhenMemoryIsShort,
  ({ connection }) => refuseBeyondRate(connection),
  refuseTinyPackets,
  refuseUnknownMethods,
  refuseRetainedWill,
  refuseLongWillTopic,
  settleClientId,
];

/** CONNECT (section 3.1) → CONNACK, after authentication. */
export function onConnect(connection: Connection, flags: number): Violation | undefined {
  const { reader, observer } = connection.context;
  const result = decodeConnect(reader, flags);
  if (result.packet === undefined) {
    const { version, violation } = result;
    if (version === undefined) return violation;
    observer.protocolViolation(connection, reasonName(violation.code), violation.detail);
    connection.refuse(version, violation.code, violation.detail);
    return undefined;
  }
  const { packet } = result;
  connection.authenticating(packet.version);
  connection.maximumPacketSize = packet.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  connection.problemInformation = packet.properties.requestProblemInformation !== 0;
  const attempt: Attempt = { connection, packet, clientId: packet.clientId };
  for (const step of steps) {
    const refusal = step(attempt);
    if (refusal === undefined) continue;
    connection.refuse(packet.version, refusal.code, refusal.detail);
    return undefined;
  }
  void authenticateAndOpen(attempt);
  return undefined;
}

/**
 * Section 4.11: a gateway that is about to go away sends new devices elsewhere at once, if it knows where to. Without that
 * they are served until the end begins: a load balancer may still be sending them.
 */
function redirectWhileLeaving({ connection, packet }: Attempt): Violation | undefined {
  const { farewell, connectsEnded } = connection.context;
  if (farewell === undefined) return undefined;
  const isToldWhere = packet.version === 5 && redirects(farewell);
  if (!isToldWhere && !connectsEnded) return undefined;
  return { code: connackCodeOf(farewell), detail: 'this gateway is going away' };
}

/** Before authentication, which would only take more memory. 0x97, to tell it from 0x89: too many connections. */
function refuseWhenMemoryIsShort({ connection }: Attempt): Violation | undefined {
  if (!connection.context.memoryShort) return undefined;
  return { code: reasonCodes.quotaExceeded, detail: 'memory is short' };
}

/** What CONNACK has to announce must fit the client's maximum packet size [MQTT-3.1.2-24]. */
function refuseTinyPackets({ connection }: Attempt): Violation | undefined {
  if (connection.maximumPacketSize >= largestConnackBytes) return undefined;
  return { code: reasonCodes.packetTooLarge, detail: 'maximum packet size is too small for CONNACK' };
}

/** Section 4.12: a method that is not supported is answered with 0x8C [MQTT-4.12.0-1]. */
function refuseUnknownMethods({ connection, packet }: Attempt): Violation | undefined {
  const { authenticationMethod: method } = packet.properties;
  if (method === undefined || (method === tokenMethod && takesTokens(connection.listenerOptions))) return undefined;
  return { code: reasonCodes.badAuthenticationMethod, detail: 'this authentication method is not supported' };
}

/** [MQTT-3.2.2-13]. 3.1.1 has no way to say it; there the will is published as an ordinary message. */
function refuseRetainedWill({ packet }: Attempt): Violation | undefined {
  if (packet.version === 4 || packet.will?.retain !== true) return undefined;
  return { code: reasonCodes.retainNotSupported, detail: 'retained messages are not supported' };
}

function refuseLongWillTopic({ packet }: Attempt): Violation | undefined {
  if (packet.will === undefined || Buffer.byteLength(packet.will.topic) <= maxTopicBytes) return undefined;
  return { code: reasonCodes.topicNameInvalid, detail: `will topic is longer than ${maxTopicBytes} bytes` };
}

/**
 * An empty client identifier gets one from the server [MQTT-3.1.3-6]; in 3.1.1 only with a clean session
 * [MQTT-3.1.3-7, MQTT-3.1.3-8 of 3.1.1].
 */
function settleClientId(attempt: Attempt): Violation | undefined {
  const { connection, packet } = attempt;
  if (Buffer.byteLength(packet.clientId) > connection.context.limits.maxClientIdBytes) {
    return { code: reasonCodes.clientIdentifierNotValid, detail: 'client identifier is too long' };
  }
  if (packet.clientId !== '') return undefined;
  if (packet.version === 4 && !packet.clean) {
    return { code: reasonCodes.clientIdentifierNotValid, detail: 'empty client identifier without clean session' };
  }
  attempt.clientId = `auto-${randomBytes(12).toString('hex')}`;
  return undefined;
}

async function authenticateAndOpen(attempt: Attempt): Promise<void> {
  const { connection, packet } = attempt;
  const result = await authenticate(connection, claimOf(attempt));
  rememberLogin(connection, packet, result);
  // The deadline, a shutdown or the client itself may have ended it meanwhile.
  if (!connection.isAuthenticating) return;
  try {
    if ('refused' in result) connection.refuse(packet.version, codeOfRefusal[result.refused], result.refused);
    else open(attempt, result.identity, result.expiresAtMs);
  } catch (error) {
    connection.failed(error);
  }
}

/** Who says that by which means: the password, or the data of the authentication method. */
function claimOf({ connection, packet, clientId }: Attempt): Credentials {
  const { name, auth, credentials, tls } = connection.listenerOptions;
  const { username, password, properties } = packet;
  const { certificate } = connection;
  const claim = {
    listener: name,
    auth,
    clientId,
    clientIdAssigned: packet.clientId === '',
    username,
    certificate,
    ...sourceOf(connection, packet),
  };
  if (properties.authenticationMethod === undefined) {
    return { ...claim, accepts: credentials, password, certificateSuffices: tls?.certificateSuffices === true };
  }
  // Who names the method of tokens comes with one, whatever else would do.
  return { ...claim, accepts: 'token', password: tokenOf(properties), certificateSuffices: false };
}

function open(attempt: Attempt, identity: Identity, expiresAtMs: number | undefined): void {
  const { connection, packet, clientId } = attempt;
  const { context } = connection;
  if (packet.will !== undefined && !context.options.mayPublish(identity, packet.will.topic)) {
    connection.refuse(packet.version, reasonCodes.notAuthorized, 'will topic is not authorized');
    return;
  }
  // Who takes over needs no room: after a break of the network, all devices come back before their old connections end.
  const isFull = context.openConnections >= context.limits.maxConnections;
  const takesOver = context.sessions.isConnected(identity, clientId);
  if (isFull && !takesOver) {
    connection.refuse(packet.version, reasonCodes.serverBusy, 'too many connections');
    return;
  }
  const beyond = holdDevice(connection, identity, takesOver);
  if (beyond !== undefined) {
    connection.refuse(packet.version, beyond.code, beyond.detail);
    return;
  }
  const { session, present } = context.sessions.open(connection, identity, clientId, packet.clean);
  session.expirySeconds = grantedExpirySeconds(packet, context.limits.maxSessionExpirySeconds);
  session.will = packet.will && {
    fields: packet.will,
    identity,
    delaySeconds: packet.will.properties.willDelayInterval ?? 0,
  };
  boundInTime(attempt, expiresAtMs);
  const keepAliveSeconds = grantedKeepAliveSeconds(packet, context.limits.maxKeepAliveSeconds);
  const { expirySeconds } = session;
  connection.receiveMaximum = grantedInFlight(connection);
  const connack = acceptingConnack(packet.version, context.limits, {
    sessionPresent: present,
    authenticationMethod: packet.properties.authenticationMethod,
    receiveMaximum: connection.receiveMaximum,
    assignedClientId: packet.clientId === '' ? clientId : undefined,
    keepAliveSeconds: packet.keepAliveSeconds === keepAliveSeconds ? undefined : keepAliveSeconds,
    sessionExpirySeconds: (packet.properties.sessionExpiryInterval ?? 0) === expirySeconds ? undefined : expirySeconds,
  });
  connection.opened(session, keepAliveSeconds, connack, present);
}

/** For how long the credentials count, and whether newer ones may take their place (5.0, section 4.12.1). */
function boundInTime({ connection, packet }: Attempt, expiresAtMs: number | undefined): void {
  if (expiresAtMs !== undefined) connection.expiresIn(expiresAtMs - connection.context.options.now());
  if (packet.properties.authenticationMethod !== undefined) connection.reauthentication = 'possible';
}

/** Who connects under pressure may have less in flight, so that the way out of it is not the next rush. */
function grantedInFlight({ version, context: { limits, pressure } }: Connection): number {
  const usual = version === 4 ? limits.maxInFlightPerConnection : limits.receiveMaximum;
  return pressure === 0 ? usual : Math.min(usual, limits.receiveMaximumUnderPressure);
}

/** Of a persistent session of 3.1.1 the standard sets no end; the gateway's limit is its end. */
function grantedExpirySeconds(packet: ConnectPacket, maxSeconds: number): number {
  if (packet.version === 4) return packet.clean ? 0 : maxSeconds;
  return Math.min(packet.properties.sessionExpiryInterval ?? 0, maxSeconds);
}

/** In 3.1.1 the client's word stands; a connection without keep-alive is left to that of TCP. */
function grantedKeepAliveSeconds(packet: ConnectPacket, maxSeconds: number): number {
  if (packet.version === 4) return packet.keepAliveSeconds;
  return packet.keepAliveSeconds === 0 ? maxSeconds : Math.min(packet.keepAliveSeconds, maxSeconds);
}
