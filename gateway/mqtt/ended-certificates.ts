import type { ClientCertificate } from '../core/client-certificate.ts';
import type { ListenerOptions, MqttContext } from './context.ts';
import type { Session } from './session.ts';

/**
 * Ends the connections whose certificates are over.
 *
 * @param nowMs milliseconds since the epoch.
 */
export function endExpired(context: MqttContext, nowMs: number): void {
  for (const connection of context.connections) {
    const { certificate } = connection;
    if (certificate !== undefined && certificate.validToMs <= nowMs) connection.certificateEnded();
  }
}

/**
 * Ends what came by one listener with a certificate that is revoked by now: connections, sessions that are away, and wills
 * that wait. A stolen key may have left these wills: none of them is published.
 *
 * @returns how many connections.
 */
export function endRevoked(
  context: MqttContext,
  listener: ListenerOptions,
  isRevoked: (certificate: ClientCertificate) => boolean,
): number {
  let ended = 0;
  for (const connection of context.connections) {
    const { certificate, listenerOptions } = connection;
    if (certificate === undefined || listenerOptions !== listener || connection.hasEnded) continue;
    if (!isRevoked(certificate)) continue;
    connection.certificateRevoked();
    ended += 1;
  }
  const hasEnded = ({ certificate, listener: its }: Session): boolean =>
    certificate !== undefined && its === listener && isRevoked(certificate);
  // First: what a session has left goes out when it ends.
  context.wills.withdraw(hasEnded);
  for (const session of context.sessions.awaySessions) if (hasEnded(session)) context.sessions.end(session);
  return ended;
}
