import { Buffer } from 'node:buffer';
import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

export interface WillFields {
  readonly topic: string;
  /** A copy: a will outlives the packet. */
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: Properties;
}

export interface ConnectPacket {
  readonly version: ProtocolVersion;
  /** Clean session in 3.1.1, clean start in 5.0. */
  readonly clean: boolean;
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly properties: Properties;
  readonly will: WillFields | undefined;
  readonly username: string | undefined;
  /** A copy: checking it takes longer than the packet lives. */
  readonly password: Buffer | undefined;
}

/**
 * What became of a CONNECT: a packet; or a violation, with the version in which the client can be told of it (undefined:
 * it does not speak MQTT, and gets no answer).
 */
export type ConnectResult =
  | { readonly packet: ConnectPacket }
  | { readonly packet: undefined; readonly version: ProtocolVersion | undefined; readonly violation: Violation };

/** Decodes CONNECT (sections 3.1 of MQTT 3.1.1 and 5.0). */
export function decodeConnect(reader: PacketReader, flags: number): ConnectResult {
  const protocol = reader.utf8('protocol name');
  const level = reader.byte('protocol level');
  if (reader.violation !== undefined) return refused(reader.violation, undefined);
  if (protocol !== 'MQTT' && protocol !== 'MQIsdp') {
    return refused({ code: reasonCodes.unsupportedProtocolVersion, detail: 'unknown protocol name' }, undefined);
  }
  // An unknown level is answered in the form of the nearest version that the client may understand [MQTT-3.1.2-2].
  const version: ProtocolVersion = protocol === 'MQTT' && level >= 5 && level < 0x80 ? 5 : 4;
  if (protocol !== 'MQTT' || (level !== 4 && level !== 5)) {
    const detail = `protocol level ${level} of ${protocol} is not served`;
    return refused({ code: reasonCodes.unsupportedProtocolVersion, detail }, version);
  }
  if (flags !== 0) reader.malformed('reserved flags of the fixed header are not 0');
  const packet = readPacket(reader, version);
  const violation = reader.finish();
  return violation === undefined ? { packet } : refused(violation, version);
}

const refused = (violation: Violation, version: ProtocolVersion | undefined): ConnectResult => ({
  packet: undefined,
  version,
  violation,
});

function readPacket(reader: PacketReader, version: ProtocolVersion): ConnectPacket {
  const flags = reader.byte('connect flags');
  checkFlags(reader, flags, version);
  const keepAliveSeconds = reader.uint16('keep alive');
  const properties = version === 5 ? readProperties(reader, places.connect) : noProperties;
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    reader.fail(reasonCodes.protocolError, 'authentication data without authentication method');
  }
  const clientId = reader.utf8('client identifier');
  return {
    version,
    clean: (flags & 0x02) !== 0,
    keepAliveSeconds,
    clientId,
    properties,
    will: (flags & 0x04) !== 0 ? readWill(reader, flags, version) : undefined,
    username: (flags & 0x80) !== 0 ? reader.utf8('user name') : undefined,
    password: (flags & 0x40) !== 0 ? copy(reader.binary('password')) : undefined,
  };
}

function checkFlags(reader: PacketReader, flags: number, version: ProtocolVersion): void {
  if ((flags & 0x01) !== 0) reader.malformed('reserved connect flag is set [MQTT-3.1.2-3]');
  const willQos = (flags >> 3) & 3;
  if (willQos === 3) reader.malformed('will QoS is 3 [MQTT-3.1.2-12]');
  if ((flags & 0x04) === 0 && (flags & 0x38) !== 0) {
    reader.malformed('will QoS or will retain without a will [MQTT-3.1.2-11, MQTT-3.1.2-13]');
  }
  if (version === 4 && (flags & 0x80) === 0 && (flags & 0x40) !== 0) {
    reader.malformed('password without user name [MQTT-3.1.2-22 of 3.1.1]');
  }
}

function readWill(reader: PacketReader, flags: number, version: ProtocolVersion): WillFields {
  const properties = version === 5 ? readProperties(reader, places.will) : noProperties;
  if (properties.correlationData !== undefined) properties.correlationData = copy(properties.correlationData);
  const topic = reader.utf8('will topic');
  if (topic === '' || /[+#]/.test(topic)) reader.fail(reasonCodes.topicNameInvalid, 'will topic is not a topic name');
  const qos = ((flags >> 3) & 3) as 0 | 1 | 2;
  return { topic, payload: copy(reader.binary('will payload')), qos, retain: (flags & 0x20) !== 0, properties };
}

/** A view would keep the whole chunk that the packet arrived in alive. */
function copy(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
