import type { Connection } from './connection.ts';
import { decodeUnsubscribe } from './decode/unsubscribe.ts';
import { encode } from './encode.ts';
import { reasonCodes } from './reason-codes.ts';
import type { Violation } from './violation.ts';

/** UNSUBSCRIBE (section 3.10) → UNSUBACK, in 5.0 with one code per filter [MQTT-3.10.4-5, MQTT-3.11.3-1]. */
export function onUnsubscribe(connection: Connection, flags: number): Violation | undefined {
  const version = connection.version ?? 4;
  const packet = decodeUnsubscribe(connection.context.reader, flags, version);
  if ('code' in packet) return packet;
  const granted: number[] = [];
  for (const filter of packet.filters) {
    const existed = connection.session?.subscriptions?.delete(filter) ?? false;
    granted.push(existed ? reasonCodes.success : reasonCodes.noSubscriptionExisted);
  }
  const bytes = encode({ cmd: 'unsuback', messageId: packet.packetId, granted }, version, connection.maximumPacketSize);
  if (bytes !== undefined) connection.outgoing.send(bytes);
  return undefined;
}
