import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';
import { readFilter } from './subscribe.ts';

export interface UnsubscribePacket {
  readonly packetId: number;
  readonly properties: Properties;
  readonly filters: readonly string[];
}

/** Decodes UNSUBSCRIBE (section 3.10). */
export function decodeUnsubscribe(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): UnsubscribePacket | Violation {
  if (flags !== 2) reader.malformed('reserved flags of UNSUBSCRIBE [MQTT-3.10.1-1]');
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, places.unsubscribe) : noProperties;
  const filters: string[] = [];
  if (reader.remaining === 0) reader.fail(reasonCodes.protocolError, 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]');
  while (reader.remaining > 0) filters.push(readFilter(reader));
  return reader.finish() ?? { packetId, properties, filters };
}
