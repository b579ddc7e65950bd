import { Buffer } from 'node:buffer';
import type { Connection } from './connection.ts';
import { decodeAcknowledgement } from './decode/acknowledgement.ts';
import { bareAcknowledgementLength, encode, writeAcknowledgement } from './encode.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/**
 * PUBREL (section 3.6) → PUBCOMP, which frees the packet identifier [MQTT-4.3.3-11]. For an unknown identifier PUBCOMP
 * too: in 5.0 with 0x92, which is no error during recovery (section 3.7.2.1).
 */
export function onPubrel(connection: Connection, flags: number): Violation | undefined {
  const version = connection.version ?? 4;
  const packet = decodeAcknowledgement(connection.context.reader, flags, version, 'PUBREL');
  if ('code' in packet) return packet;
  const { packetId } = packet;
  const exchange = connection.session?.exchanges?.get(packetId);
  if (exchange !== undefined && exchange.outcome === undefined) {
    return { code: reasonCodes.protocolError, detail: 'PUBREL before PUBREC' };
  }
  const known = connection.endExchange(packetId);
  const bytes = known || version === 4 ? bare(packetId) : unknown(packetId, connection.maximumPacketSize);
  if (bytes !== undefined) connection.outgoing.send(bytes);
  return undefined;
}

function bare(packetId: number): Buffer {
  const bytes = Buffer.allocUnsafe(bareAcknowledgementLength);
  writeAcknowledgement(bytes, 0, 'pubcomp', packetId);
  return bytes;
}

function unknown(packetId: number, maximumPacketSize: number): Buffer | undefined {
  const reasonCode = reasonCodes.packetIdentifierNotFound;
  return encode({ cmd: 'pubcomp', messageId: packetId, reasonCode }, 5, maximumPacketSize);
}
