import type { Connection } from './connection.ts';
import { decodeAcknowledgement } from './decode/acknowledgement.ts';
import { encode } from './encode.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

// This server publishes nothing to devices, so these packets answer nothing. They may come all the same, from a session
// with another server: tolerated, as section 4.13.1 allows for packet identifiers that are not known.

export function onPuback(connection: Connection, flags: number): Violation | undefined {
  const packet = decodeAcknowledgement(connection.context.reader, flags, connection.version ?? 4, 'PUBACK');
  return 'code' in packet ? packet : undefined;
}

/** PUBREC (section 3.5) → PUBREL, in 5.0 with 0x92: the packet identifier is unknown (section 3.6.2.1). */
export function onPubrec(connection: Connection, flags: number): Violation | undefined {
  const version = connection.version ?? 4;
  const packet = decodeAcknowledgement(connection.context.reader, flags, version, 'PUBREC');
  if ('code' in packet) return packet;
  if (packet.reasonCode >= 0x80) return undefined;
  const answer = {
    cmd: 'pubrel',
    messageId: packet.packetId,
    reasonCode: reasonCodes.packetIdentifierNotFound,
  } as const;
  const bytes = encode(answer, version, connection.maximumPacketSize);
  if (bytes !== undefined) connection.outgoing.send(bytes);
  return undefined;
}

export function onPubcomp(connection: Connection, flags: number): Violation | undefined {
  const packet = decodeAcknowledgement(connection.context.reader, flags, connection.version ?? 4, 'PUBCOMP');
  return 'code' in packet ? packet : undefined;
}
