import type { Identity } from '../core/identity.ts';
import type { LimitRefusal } from '../core/limits/observer.ts';
import type { Connection } from './connection.ts';
import type { AuthResult, Credentials } from './context.ts';
import type { ConnectPacket } from './decode/connect.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/** What a CONNECT is told that is one too many. All of it passes: a device is to come again later. */
function violationOf(refusal: LimitRefusal): Violation {
  switch (refusal) {
    case 'connects':
      return { code: reasonCodes.serverBusy, detail: 'too many devices connect at once' };
    case 'address_connections':
    case 'device_connections':
      return { code: reasonCodes.quotaExceeded, detail: 'too many connections of this device or address' };
    default:
      return { code: reasonCodes.connectionRateExceeded, detail: 'too many connects of this device or address' };
  }
}

/** Whether CONNECT comes too often, or over too many connections, before anybody is asked who it is. */
export function refuseBeyondRate(connection: Connection): Violation | undefined {
  const { context, peer, certificate } = connection;
  const { admission } = context.options;
  if (admission === undefined || peer === undefined) return undefined;
  // A ticket proves nothing of the kind: whoever has shaken hands once has one.
  const refusal = admission.connect(peer, certificate !== undefined, context.monotonicMs());
  return refusal && violationOf(refusal);
}

/** The name that a login is counted by. */
const loginOf = ({ certificate }: Connection, { username, clientId }: ConnectPacket): string =>
  certificate?.deviceId ?? username ?? clientId;

/** What the work for a login is scheduled by; and whether it is let in only if that costs no password hash. */
export function sourceOf(
  connection: Connection,
  packet: ConnectPacket,
): Pick<Credentials, 'source' | 'isKnownSource' | 'isAwaited' | 'withoutHash'> {
  const { context, peer } = connection;
  const { admission } = context.options;
  if (admission === undefined || peer === undefined) return {};
  const nowMs = context.monotonicMs();
  return {
    source: peer.key,
    isKnownSource: peer.isKnown(nowMs),
    isAwaited: () => connection.isAuthenticating,
    withoutHash: admission.bans.hasLogin(peer, loginOf(connection, packet), nowMs),
  };
}

/** Remembers how a login ended; also of who has hung up since, so that nobody escapes the count by that. */
export function rememberLogin(connection: Connection, packet: ConnectPacket, result: AuthResult): void {
  const { context, peer } = connection;
  const { admission } = context.options;
  if (admission === undefined || peer === undefined) return;
  const login = loginOf(connection, packet);
  if ('identity' in result) {
    // Who is let in without being asked has proven nothing.
    if (result.identity.kind !== 'anonymous') admission.bans.succeeded(peer, login, context.monotonicMs());
  } else if (result.refused === 'bad_credentials') {
    admission.bans.failed(peer, login, context.monotonicMs());
  } else if (result.refused === 'rate_exceeded') {
    admission.observer.refused('login_banned', peer.key);
  }
}

/**
 * Counts a connection towards its device, and gives it the device's rate; until its end.
 *
 * @returns why there may be no further one.
 */
export function holdDevice(connection: Connection, identity: Identity, takesOver: boolean): Violation | undefined {
  const { context, peer } = connection;
  const { admission } = context.options;
  if (admission === undefined) return undefined;
  const { kind, deviceId } = identity;
  const isVerified = kind !== 'anonymous';
  const account = admission.devices.open(`${kind}\0${deviceId}`, isVerified, takesOver, context.monotonicMs());
  if (typeof account === 'string') {
    admission.observer.refused(account, peer?.key ?? '');
    return violationOf(account);
  }
  connection.account = account;
  connection.rate = account.rate;
  if (account.isProven) peer?.deviceCame();
  return undefined;
}

/** It has ended: it counts no more towards its device, nor for its address as that of one. */
export function releaseDevice(connection: Connection): void {
  const { context, peer, account } = connection;
  const { admission } = context.options;
  if (admission === undefined || account === undefined) return;
  connection.account = undefined;
  admission.devices.close(account);
  if (account.isProven && peer !== undefined) admission.deviceLeft(peer, context.monotonicMs());
}
