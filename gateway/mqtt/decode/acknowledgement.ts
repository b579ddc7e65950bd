import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

export type AcknowledgementName = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP';

export interface Acknowledgement {
  readonly packetId: number;
  readonly reasonCode: number;
  readonly properties: Properties;
}

const publishReasons = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const releaseReasons = [0x00, 0x92];
const reasonsOf: Readonly<Record<AcknowledgementName, readonly number[]>> = {
  PUBACK: publishReasons,
  PUBREC: publishReasons,
  PUBREL: releaseReasons,
  PUBCOMP: releaseReasons,
};

/** Decodes PUBACK, PUBREC, PUBREL or PUBCOMP (sections 3.4 to 3.7). */
export function decodeAcknowledgement(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
  name: AcknowledgementName,
): Acknowledgement | Violation {
  if (flags !== (name === 'PUBREL' ? 2 : 0)) reader.malformed(`reserved flags of ${name} [MQTT-2.1.3-1]`);
  const packetId = reader.packetId();
  let reasonCode = 0;
  let properties = noProperties;
  if (version === 5 && reader.remaining > 0) {
    reasonCode = reader.byte('reason code');
    if (!reasonsOf[name].includes(reasonCode)) {
      reader.fail(reasonCodes.protocolError, `reason code ${reasonCode} does not belong to ${name}`);
    }
    // A packet of three bytes has no property length: there are no properties.
    if (reader.remaining > 0) properties = readProperties(reader, places.acknowledgement);
  }
  return reader.finish() ?? { packetId, reasonCode, properties };
}
