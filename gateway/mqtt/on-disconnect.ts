import type { Connection } from './connection.ts';
import { decodeDisconnect } from './decode/disconnect.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/**
 * DISCONNECT (section 3.14). Reason code 0 discards the will [MQTT-3.14.4-3]; every other, 0x04 among them, leaves it to
 * be published. MQTT 5 may change the session expiry here, but not from 0 (section 3.14.2.2.2).
 */
export function onDisconnect(connection: Connection, flags: number): Violation | undefined {
  const { context, session } = connection;
  const packet = decodeDisconnect(context.reader, flags, connection.version ?? 4);
  if ('code' in packet) return packet;
  const expirySeconds = packet.properties.sessionExpiryInterval;
  if (session !== undefined && expirySeconds !== undefined) {
    if (session.expirySeconds === 0 && expirySeconds !== 0) {
      return { code: reasonCodes.protocolError, detail: 'session expiry interval raised from 0' };
    }
    session.expirySeconds = Math.min(expirySeconds, context.limits.maxSessionExpirySeconds);
  }
  if (session !== undefined && packet.reasonCode === reasonCodes.success) session.will = undefined;
  connection.disconnectedByClient();
  return undefined;
}
