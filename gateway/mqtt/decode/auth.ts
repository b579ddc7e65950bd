import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

export interface AuthPacket {
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** Continue authentication, re-authenticate. Success (0x00) is the server's to send (section 3.15.2.1). */
const clientReasons = [0x18, 0x19];

/** Decodes AUTH (section 3.15; MQTT 5.0 only). */
export function decodeAuth(reader: PacketReader, flags: number): AuthPacket | Violation {
  if (flags !== 0) reader.malformed('reserved flags of AUTH [MQTT-3.15.1-1]');
  let reasonCode = 0;
  let properties = noProperties;
  if (reader.remaining > 0) {
    reasonCode = reader.byte('reason code');
    properties = readProperties(reader, places.auth);
  }
  if (!clientReasons.includes(reasonCode)) {
    reader.fail(
      reasonCodes.protocolError,
      `reason code ${reasonCode} is not one that a client may send [MQTT-3.15.2-1]`,
    );
  }
  return reader.finish() ?? { reasonCode, properties };
}
