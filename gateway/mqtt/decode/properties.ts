import type { Buffer } from 'node:buffer';
import { reasonCodes } from '../reason-codes.ts';
import type { PacketReader } from './reader.ts';

/** The properties that a client may send (MQTT 5.0 section 2.2.2.2). */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  subscriptionIdentifier?: number;
  sessionExpiryInterval?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: number;
  requestResponseInformation?: number;
  willDelayInterval?: number;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumPacketSize?: number;
  reasonString?: string;
  /** Names and values in turn, in the order of the packet; names may repeat. */
  userProperties?: string[];
}

export const noProperties: Properties = Object.freeze({});

/** The places that hold properties, one bit each, so that a property lists its places in one number. */
export const places = {
  connect: 1,
  will: 2,
  publish: 4,
  acknowledgement: 8,
  subscribe: 16,
  unsubscribe: 32,
  disconnect: 64,
  auth: 128,
} as const;
export type Place = (typeof places)[keyof typeof places];

const messages = places.publish | places.will;

type SingleName = Exclude<keyof Properties, 'userProperties'>;

/** A property that a client may send at most once in a packet. */
interface Single {
  readonly name: SingleName;
  readonly places: number;
  read(reader: PacketReader, into: Properties): void;
}

function single<Name extends SingleName>(
  name: Name,
  where: number,
  read: (reader: PacketReader) => NonNullable<Properties[Name]>,
): Single {
  return {
    name,
    places: where,
    read: (reader, into) => {
      into[name] = read(reader);
    },
  };
}

const userPropertyId = 0x26;
const { publish, will, connect, subscribe, acknowledgement, disconnect, auth } = places;

const singles: ReadonlyMap<number, Single> = new Map([
  [0x01, single('payloadFormatIndicator', messages, (reader) => flag(reader, 'payload format indicator'))],
  [0x02, single('messageExpiryInterval', messages, (reader) => reader.uint32('message expiry interval'))],
  [0x03, single('contentType', messages, (reader) => reader.utf8('content type'))],
  [0x08, single('responseTopic', messages, responseTopic)],
  [0x09, single('correlationData', messages, (reader) => reader.binary('correlation data'))],
  [0x0b, single('subscriptionIdentifier', publish | subscribe, subscriptionIdentifier)],
  [0x11, single('sessionExpiryInterval', connect | disconnect, (reader) => reader.uint32('session expiry interval'))],
  [0x15, single('authenticationMethod', connect | auth, (reader) => reader.utf8('authentication method'))],
  [0x16, single('authenticationData', connect | auth, (reader) => reader.binary('authentication data'))],
  [0x17, single('requestProblemInformation', connect, (reader) => flag(reader, 'request problem information'))],
  [0x18, single('willDelayInterval', will, (reader) => reader.uint32('will delay interval'))],
  [0x19, single('requestResponseInformation', connect, (reader) => flag(reader, 'request response information'))],
  [0x1f, single('reasonString', acknowledgement | disconnect | auth, (reader) => reader.utf8('reason string'))],
  [0x21, single('receiveMaximum', connect, receiveMaximum)],
  [0x22, single('topicAliasMaximum', connect, (reader) => reader.uint16('topic alias maximum'))],
  [0x23, single('topicAlias', publish, (reader) => reader.uint16('topic alias'))],
  [0x27, single('maximumPacketSize', connect, maximumPacketSize)],
]);

/**
 * Reads a property length and the properties behind it.
 *
 * A property that does not belong to `place`, or whose value is not of its type, is malformed (section 2.2.2.2); one that
 * appears twice, or has a value that the standard forbids, is a protocol error.
 */
export function readProperties(reader: PacketReader, place: Place): Properties {
  const length = reader.varint('property length');
  if (length === 0) return noProperties;
  const packetEnd = reader.end;
  const end = reader.offset + length;
  if (end > packetEnd) {
    reader.malformed('property length reaches behind the packet');
    return noProperties;
  }
  const into: Properties = {};
  reader.end = end;
  while (reader.offset < end && reader.violation === undefined) readProperty(reader, place, into);
  reader.end = packetEnd;
  // A failed read has moved to the end of the properties only; the whole packet is to be unreadable.
  if (reader.violation !== undefined) reader.offset = packetEnd;
  return into;
}

function readProperty(reader: PacketReader, place: Place, into: Properties): void {
  const id = reader.varint('property identifier');
  if (id === userPropertyId) {
    const name = reader.utf8('user property name');
    const value = reader.utf8('user property value');
    into.userProperties ??= [];
    into.userProperties.push(name, value);
    return;
  }
  const property = singles.get(id);
  if (property === undefined || (property.places & place) === 0) {
    reader.malformed(`property 0x${id.toString(16)} does not belong to this packet`);
    return;
  }
  if (into[property.name] !== undefined) {
    reader.fail(reasonCodes.protocolError, `${property.name} appears twice`);
    return;
  }
  property.read(reader, into);
}

function flag(reader: PacketReader, field: string): number {
  const value = reader.byte(field);
  if (value > 1) reader.fail(reasonCodes.protocolError, `${field} is neither 0 nor 1`);
  return value;
}

function notZero(reader: PacketReader, value: number, field: string): number {
  if (value === 0) reader.fail(reasonCodes.protocolError, `${field} is 0`);
  return value;
}

function subscriptionIdentifier(reader: PacketReader): number {
  return notZero(reader, reader.varint('subscription identifier'), 'subscription identifier');
}

function receiveMaximum(reader: PacketReader): number {
  return notZero(reader, reader.uint16('receive maximum'), 'receive maximum');
}

function maximumPacketSize(reader: PacketReader): number {
  return notZero(reader, reader.uint32('maximum packet size'), 'maximum packet size');
}

/** A response topic must not contain wildcard characters [MQTT-3.3.2-14]. */
function responseTopic(reader: PacketReader): string {
  const topic = reader.utf8('response topic');
  if (/[+#]/.test(topic)) reader.fail(reasonCodes.protocolError, 'response topic contains a wildcard');
  return topic;
}
