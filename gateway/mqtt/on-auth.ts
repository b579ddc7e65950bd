import type { Connection } from './connection.ts';
import { decodeAuth } from './decode/auth.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/**
 * AUTH (5.0, section 3.15). Enhanced authentication is not offered, so no CONNECT with an authentication method was
 * accepted, and no AUTH may follow [MQTT-4.12.0-6, MQTT-4.12.1-1].
 */
export function onAuth(connection: Connection, flags: number): Violation {
  if (connection.version === 4) {
    return { code: reasonCodes.protocolError, detail: 'packet type 15 does not exist in MQTT 3.1.1' };
  }
  const packet = decodeAuth(connection.context.reader, flags);
  if ('code' in packet) return packet;
  return { code: reasonCodes.protocolError, detail: 'AUTH without an authentication method' };
}
