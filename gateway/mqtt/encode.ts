import { Buffer } from 'node:buffer';
import { generate, type Packet } from 'mqtt-packet';
import type { ProtocolVersion } from './packet-types.ts';

export const pingresp: Buffer = Buffer.from([0xd0, 0x00]);

/** First bytes of the acknowledgements that this server sends. */
export const acknowledgementBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;
export type AcknowledgementCommand = keyof typeof acknowledgementBytes;

/** A bare acknowledgement: success in both versions, and all that 3.1.1 has. */
export const bareAcknowledgementLength = 4;

/** Writes a bare acknowledgement at `offset` and returns the end offset. */
export function writeAcknowledgement(
  target: Buffer,
  offset: number,
  command: AcknowledgementCommand,
  packetId: number,
): number {
  target[offset] = acknowledgementBytes[command];
  target[offset + 1] = 2;
  target[offset + 2] = packetId >> 8;
  target[offset + 3] = packetId & 0xff;
  return offset + bareAcknowledgementLength;
}

/** Longest reason string sent: a device is told enough to find the fault, not a report. */
const maxReasonLength = 256;
/** Of what the peer itself has sent: a receiver may refuse a packet for it (section 1.5.4). */
const control = /\p{Cc}/gu;

/**
 * Encodes a packet of the cold path. `reason` is added as reason string where there is room: a packet must not exceed the
 * client's maximum packet size, and is first sent without it [MQTT-3.1.2-24, MQTT-3.4.2-2 and the like].
 *
 * @returns undefined when even the bare packet is too large for the client.
 */
export function encode(
  packet: Packet,
  version: ProtocolVersion,
  maximumPacketSize: number,
  reason = '',
): Buffer | undefined {
  if (version === 5 && reason !== '') {
    const properties = 'properties' in packet ? packet.properties : undefined;
    const reasonString = reason.slice(0, maxReasonLength).toWellFormed().replaceAll(control, ' ');
    const explained = generate({ ...packet, properties: { ...properties, reasonString } } as Packet, {
      protocolVersion: version,
    });
    if (explained.length <= maximumPacketSize) return explained;
  }
  const bare = generate(packet, { protocolVersion: version });
  return bare.length <= maximumPacketSize ? bare : undefined;
}
