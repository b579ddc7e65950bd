import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

export interface DisconnectPacket {
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** The reason codes that a client may send (section 3.14.2.1). */
const clientReasons = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

/** Decodes DISCONNECT (section 3.14). One of length 0 means reason code 0 without properties. */
export function decodeDisconnect(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): DisconnectPacket | Violation {
  if (flags !== 0) reader.malformed('reserved flags of DISCONNECT [MQTT-3.14.1-1]');
  let reasonCode = 0;
  let properties = noProperties;
  if (version === 5 && reader.remaining > 0) {
    reasonCode = reader.byte('reason code');
    if (!clientReasons.includes(reasonCode)) {
      reader.fail(
        reasonCodes.protocolError,
        `reason code ${reasonCode} is not one that a client may send [MQTT-3.14.2-1]`,
      );
    }
    if (reader.remaining > 0) properties = readProperties(reader, places.disconnect);
  }
  return reader.finish() ?? { reasonCode, properties };
}
