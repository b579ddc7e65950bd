import type { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { haveSameRights, type Identity } from '../core/identity.ts';
import { authenticate } from './authenticate.ts';
import type { Connection } from './connection.ts';
import type { AuthRefusal, AuthResult } from './context.ts';
import { decodeAuth } from './decode/auth.ts';
import { encode } from './encode.ts';
import { tokenMethod, tokenOf } from './enhanced-authentication.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/** The one that a client may begin by itself (section 3.15.2.1). */
const reauthenticateReason = 0x19;

const firstPauseMs = 500;
const longestPauseMs = 10_000;

const protocolError = (detail: string): Violation => ({ code: reasonCodes.protocolError, detail });

/**
 * AUTH (5.0, section 3.15): a new token for a connection that came by one in the same way (section 4.12.1). Until it is
 * found right everything goes on under the old one.
 */
export function onAuth(connection: Connection, flags: number): Violation | undefined {
  if (connection.version === 4) return protocolError('packet type 15 does not exist in MQTT 3.1.1');
  const packet = decodeAuth(connection.context.reader, flags);
  if ('code' in packet) return packet;
  const { identity } = connection;
  if (connection.reauthentication === undefined || identity === undefined) {
    return protocolError('AUTH on a connection without an authentication method [MQTT-4.12.0-7]');
  }
  if (packet.properties.authenticationMethod !== tokenMethod) {
    return protocolError('another authentication method than that of CONNECT [MQTT-4.12.1-1]');
  }
  if (packet.reasonCode !== reauthenticateReason) return protocolError('there is no authentication to go on with');
  if (connection.reauthentication === 'under way') return protocolError('a re-authentication is under way');
  connection.reauthentication = 'under way';
  void reauthenticate(connection, identity, tokenOf(packet.properties));
  return undefined;
}

async function reauthenticate(connection: Connection, before: Identity, password: Buffer | undefined): Promise<void> {
  const result = await judged(connection, before, password);
  if (result === undefined || !connection.isOpen) return;
  try {
    conclude(connection, before, result);
  } catch (error) {
    connection.failed(error);
  }
}

/**
 * Undefined: the connection has ended meanwhile. A gateway that is too busy, or has no keys, asks again: the old token
 * still counts, and ends the connection in time if nothing comes of it.
 */
async function judged(
  connection: Connection,
  before: Identity,
  password: Buffer | undefined,
): Promise<AuthResult | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const result = await ask(connection, before, password);
    const isJudged = !('refused' in result && canBeAskedAgain(result.refused));
    if (isJudged) return result;
    await delay(pauseMs, undefined, { ref: false });
    if (!connection.isOpen) return undefined;
  }
}

const canBeAskedAgain = (refusal: AuthRefusal): boolean =>
  refusal === 'server_busy' || refusal === 'server_unavailable';

function ask(connection: Connection, before: Identity, password: Buffer | undefined): Promise<AuthResult> {
  const { name, auth } = connection.listenerOptions;
  const { clientId } = connection;
  const username = before.deviceId;
  return authenticate(connection, {
    listener: name,
    auth,
    accepts: 'token',
    clientId,
    // It was judged when the device connected with it.
    clientIdAssigned: true,
    username,
    password,
    certificate: connection.certificate,
    certificateSuffices: false,
  });
}

function conclude(connection: Connection, before: Identity, result: AuthResult): void {
  if ('refused' in result) {
    connection.disconnect(reasonCodes.notAuthorized, 'reauthentication_failed', result.refused);
  } else if (!isSame(before, result.identity)) {
    // What it may do has changed in the registry; what it did under the old identity is still on its way.
    connection.disconnect(reasonCodes.notAuthorized, 'reauthentication_failed', 'the device has changed');
  } else {
    succeed(connection, result.expiresAtMs);
  }
}

const isSame = (a: Identity, b: Identity): boolean => a.deviceId === b.deviceId && haveSameRights(a, b);

function succeed(connection: Connection, expiresAtMs: number | undefined): void {
  connection.reauthentication = 'possible';
  if (expiresAtMs !== undefined) connection.expiresIn(expiresAtMs - connection.context.options.now());
  const answer = encode(
    { cmd: 'auth', reasonCode: reasonCodes.success, properties: { authenticationMethod: tokenMethod } },
    5,
    connection.maximumPacketSize,
  );
  if (answer !== undefined) connection.outgoing.send(answer);
}
