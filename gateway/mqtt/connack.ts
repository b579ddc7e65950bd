import { Buffer } from 'node:buffer';
import { generate, type IConnackPacket } from 'mqtt-packet';
import { encode } from './encode.ts';
import type { MqttLimits } from './limits.ts';
import type { ProtocolVersion } from './packet-types.ts';
import { type ReasonCode, reasonCodes, returnCodeOf } from './reason-codes.ts';

/** Upper bound of an accepting CONNACK with every property that this server ever sends. */
export const largestConnackBytes = 80;

/** What was granted to a client, beyond what it asked for; undefined: as asked, not to be mentioned. */
export interface Granted {
  readonly sessionPresent: boolean;
  readonly receiveMaximum: number;
  readonly assignedClientId: string | undefined;
  readonly keepAliveSeconds: number | undefined;
  readonly sessionExpirySeconds: number | undefined;
  /** That of CONNECT, which CONNACK repeats [MQTT-4.12.0-5]. */
  readonly authenticationMethod: string | undefined;
}

/** Encodes the CONNACK that accepts (section 3.2); in 5.0 it announces what the server offers and grants. */
export function acceptingConnack(version: ProtocolVersion, limits: MqttLimits, granted: Granted): Buffer {
  const { sessionPresent } = granted;
  if (version === 4) return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, 0]);
  const properties: NonNullable<IConnackPacket['properties']> = {
    receiveMaximum: granted.receiveMaximum,
    maximumPacketSize: limits.maxPacketBytes,
    topicAliasMaximum: limits.topicAliasMaximum,
    retainAvailable: false,
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
  };
  if (granted.assignedClientId !== undefined) properties.assignedClientIdentifier = granted.assignedClientId;
  if (granted.keepAliveSeconds !== undefined) properties.serverKeepAlive = granted.keepAliveSeconds;
  if (granted.sessionExpirySeconds !== undefined) properties.sessionExpiryInterval = granted.sessionExpirySeconds;
  if (granted.authenticationMethod !== undefined) properties.authenticationMethod = granted.authenticationMethod;
  return generate(
    { cmd: 'connack', sessionPresent, reasonCode: reasonCodes.success, properties },
    { protocolVersion: 5 },
  );
}

/** Encodes the CONNACK that refuses; undefined where the client's version, or its limit, leaves nothing to say. */
export function refusingConnack(
  version: ProtocolVersion,
  code: ReasonCode,
  detail: string,
  maximumPacketSize: number,
): Buffer | undefined {
  if (version === 5) {
    return encode({ cmd: 'connack', sessionPresent: false, reasonCode: code }, 5, maximumPacketSize, detail);
  }
  const returnCode = returnCodeOf(code);
  return returnCode === undefined ? undefined : Buffer.from([0x20, 2, 0, returnCode]);
}
