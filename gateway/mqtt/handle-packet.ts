import type { Connection } from './connection.ts';
import { onPuback, onPubcomp, onPubrec } from './on-acknowledgement.ts';
import { onAuth } from './on-auth.ts';
import { onConnect } from './on-connect.ts';
import { onDisconnect } from './on-disconnect.ts';
import { onPingreq } from './on-pingreq.ts';
import { onPublish } from './on-publish.ts';
import { onPubrel } from './on-pubrel.ts';
import { onSubscribe } from './on-subscribe.ts';
import { onUnsubscribe } from './on-unsubscribe.ts';
import { packetTypes } from './packet-types.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/**
 * Handles the packet that the context's reader is open at. `flags`: the low nibble of its first byte.
 * Returns a violation, for which the connection is closed.
 */
export type PacketHandler = (connection: Connection, flags: number) => Violation | undefined;

const handlers: (PacketHandler | undefined)[] = [];
handlers[packetTypes.publish] = onPublish;
handlers[packetTypes.puback] = onPuback;
handlers[packetTypes.pubrec] = onPubrec;
handlers[packetTypes.pubrel] = onPubrel;
handlers[packetTypes.pubcomp] = onPubcomp;
handlers[packetTypes.subscribe] = onSubscribe;
handlers[packetTypes.unsubscribe] = onUnsubscribe;
handlers[packetTypes.pingreq] = onPingreq;
handlers[packetTypes.disconnect] = onDisconnect;
handlers[packetTypes.auth] = onAuth;

/** @param first first byte of the packet: type and flags (section 2.1.1). */
export function handlePacket(connection: Connection, first: number): Violation | undefined {
  const type = first >> 4;
  const flags = first & 0x0f;
  if (type === packetTypes.connect) {
    // Nothing else gets this far before CONNECT was accepted, and nothing at all during authentication.
    if (!connection.isOpen) return onConnect(connection, flags);
    return { code: reasonCodes.protocolError, detail: 'a second CONNECT [MQTT-3.1.0-2]' };
  }
  const handler = handlers[type];
  if (handler !== undefined) return handler(connection, flags);
  const code = type === 0 ? reasonCodes.malformedPacket : reasonCodes.protocolError;
  return { code, detail: `packet type ${type} is not one that a client may send` };
}
