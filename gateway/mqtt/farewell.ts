import type { Buffer } from 'node:buffer';
import { encode } from './encode.ts';
import { type ReasonCode, reasonCodes } from './reason-codes.ts';

/** What devices are told when the gateway goes away: in MQTT 5, sections 3.14.2.1 and 4.11. */
export interface Farewell {
  /** 0x8B: the server shuts down. 0x9C: use another server for now. 0x9D: the server has moved for good. */
  readonly code: FarewellCode;
  /** Where to, as the Server Reference: addresses separated by spaces. Only with 0x9C and 0x9D; empty: not said. */
  readonly serverReference: string;
}

export type FarewellCode =
  | typeof reasonCodes.serverShuttingDown
  | typeof reasonCodes.useAnotherServer
  | typeof reasonCodes.serverMoved;

export const shuttingDown: Farewell = { code: reasonCodes.serverShuttingDown, serverReference: '' };

/** Whether it names another server: then a new connection may be sent there at once, in CONNACK. */
export const redirects = ({ code }: Farewell): boolean => code !== reasonCodes.serverShuttingDown;

/**
 * Where the device of MQTT 5 whose CONNECT is refused with `code` is sent instead: by the farewell of a gateway that goes
 * away, or by one that is busy for now (section 4.11).
 */
export function directionOf(
  code: ReasonCode,
  farewell: Farewell | undefined,
  overloadReference: string,
): Farewell | undefined {
  if (farewell?.code === code) return farewell;
  if (code !== reasonCodes.serverBusy || overloadReference === '') return undefined;
  return { code: reasonCodes.useAnotherServer, serverReference: overloadReference };
}

/** The code for CONNACK, which has no 0x8B (section 3.2.2.2). */
export const connackCodeOf = (farewell: Farewell): ReasonCode =>
  redirects(farewell) ? farewell.code : reasonCodes.serverUnavailable;

/**
 * Encodes the DISCONNECT, or the CONNACK that refuses, in MQTT 5. The reference is left out where it does not fit into the
 * client's maximum packet size: the code alone says that there is another server.
 *
 * @returns undefined when even the bare packet is too large for the client.
 */
export function encodeFarewell(
  cmd: 'disconnect' | 'connack',
  farewell: Farewell,
  maximumPacketSize: number,
): Buffer | undefined {
  const { serverReference } = farewell;
  const bare =
    cmd === 'connack'
      ? ({ cmd, sessionPresent: false, reasonCode: connackCodeOf(farewell) } as const)
      : ({ cmd, reasonCode: farewell.code } as const);
  if (redirects(farewell) && serverReference !== '') {
    const directed = encode({ ...bare, properties: { serverReference } }, 5, maximumPacketSize);
    if (directed !== undefined) return directed;
  }
  return encode(bare, 5, maximumPacketSize);
}
