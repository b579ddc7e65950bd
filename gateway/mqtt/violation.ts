import type { FrameStatus } from './frame.ts';
import { type ReasonCode, reasonCodes } from './reason-codes.ts';

/** Why a packet or an exchange breaks the standard. A value, never thrown; ends the connection it came over. */
export interface Violation {
  readonly code: ReasonCode;
  /** For people: which field of which packet. Never a secret, never a payload. */
  readonly detail: string;
}

export const firstIsNotConnect: Violation = {
  code: reasonCodes.protocolError,
  detail: 'the first packet is not CONNECT [MQTT-3.1.0-1]',
};
export const longerThanNecessary: Violation = {
  code: reasonCodes.malformedPacket,
  detail: 'remaining length is not in its shortest form [MQTT-1.5.5-1]',
};
export const tooLarge: Violation = {
  code: reasonCodes.packetTooLarge,
  detail: 'packet is larger than the maximum packet size',
};
export const notBinary: Violation = {
  code: reasonCodes.protocolError,
  detail: 'a WebSocket frame is not binary [MQTT-6.0.0-1]',
};
export const brokenFrames: Violation = {
  code: reasonCodes.protocolError,
  detail: 'a WebSocket frame breaks RFC 6455, or is compressed, which was not agreed',
};
const tooLong: Violation = {
  code: reasonCodes.malformedPacket,
  detail: 'remaining length is longer than four bytes (section 1.5.5)',
};

/** What is wrong with a frame; undefined when it is complete, or may become so. */
export function violationOf(status: FrameStatus): Violation | undefined {
  if (status === 'too_large') return tooLarge;
  return status === 'malformed_length' ? tooLong : undefined;
}
