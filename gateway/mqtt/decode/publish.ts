import { Buffer, isUtf8 } from 'node:buffer';
import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

/** Longer topic names are well formed but not accepted: connections remember topics (aliases), and memory is bounded. */
export const maxTopicBytes = 1024;

/**
 * The topic that a connection published to last: most devices publish to one topic, so comparing bytes replaces
 * decoding and checking a string for each message.
 */
export class TopicMemory {
  #bytes: Uint8Array | undefined;
  #topic = '';

  /** Reads a topic name, whose length field is at the reader's position. */
  read(reader: PacketReader): string {
    const length = reader.uint16('topic name');
    if (length === 0) return '';
    const start = reader.offset;
    if (length > maxTopicBytes) {
      reader.fail(reasonCodes.topicNameInvalid, `topic name is longer than ${maxTopicBytes} bytes`);
      return '';
    }
    if (start + length > reader.end) {
      reader.malformed('topic name is truncated');
      return '';
    }
    reader.offset = start + length;
    if (!this.#holds(reader.bytes, start, length)) this.#learn(reader, start, length);
    return this.#topic;
  }

  #holds(bytes: Uint8Array, start: number, length: number): boolean {
    const known = this.#bytes;
    if (known === undefined || known.length !== length) return false;
    // From the end: topics of one device differ at their end, if at all.
    for (let i = length - 1; i >= 0; i -= 1) if (known[i] !== bytes[start + i]) return false;
    return true;
  }

  #learn(reader: PacketReader, start: number, length: number): void {
    const bytes = reader.bytes.subarray(start, start + length);
    this.#bytes = undefined;
    this.#topic = '';
    if (!isUtf8(bytes) || bytes.includes(0)) {
      reader.malformed('topic name is not UTF-8 without U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2]');
      return;
    }
    if (bytes.includes(0x2b) || bytes.includes(0x23)) {
      reader.fail(reasonCodes.topicNameInvalid, 'topic name contains a wildcard [MQTT-3.3.2-2]');
      return;
    }
    this.#topic = bytes.toString('utf8');
    this.#bytes = new Uint8Array(bytes);
  }
}

/**
 * The fields of the PUBLISH that was decoded last (section 3.3). One object is filled again and again: the handler makes
 * its own object per message and takes from here what it needs.
 */
export interface PublishFields {
  dup: boolean;
  qos: 0 | 1 | 2;
  retain: boolean;
  /** Empty when a topic alias stands for it (5.0 only). */
  topic: string;
  /** 0 for QoS 0. */
  packetId: number;
  properties: Properties;
  /** A view of the packet. */
  payload: Buffer;
}

export const emptyPublishFields = (): PublishFields => ({
  dup: false,
  qos: 0,
  retain: false,
  topic: '',
  packetId: 0,
  properties: noProperties,
  payload: Buffer.alloc(0),
});

/** Decodes PUBLISH into `into`. Returns the violation, if there is one; then `into` is not to be used. */
export function decodePublish(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
  topics: TopicMemory,
  into: PublishFields,
): Violation | undefined {
  const qos = (flags >> 1) & 3;
  if (qos === 3) reader.malformed('QoS is 3 [MQTT-3.3.1-4]');
  const dup = (flags & 8) !== 0;
  if (dup && qos === 0) reader.fail(reasonCodes.protocolError, 'DUP with QoS 0 [MQTT-3.3.1-2]');
  into.dup = dup;
  into.qos = qos as 0 | 1 | 2;
  into.retain = (flags & 1) !== 0;
  into.topic = topics.read(reader);
  into.packetId = qos === 0 ? 0 : reader.packetId();
  into.properties = version === 5 ? readProperties(reader, places.publish) : noProperties;
  if (reader.violation === undefined) checkMeaning(reader, into);
  into.payload = reader.bytes.subarray(reader.offset, reader.end);
  return reader.violation;
}

function checkMeaning(reader: PacketReader, fields: PublishFields): void {
  const { topicAlias, subscriptionIdentifier } = fields.properties;
  if (fields.topic === '' && topicAlias === undefined) {
    reader.fail(reasonCodes.protocolError, 'topic name is empty [MQTT-4.7.3-1]');
  }
  if (topicAlias === 0) reader.fail(reasonCodes.topicAliasInvalid, 'topic alias is 0 [MQTT-3.3.2-8]');
  if (subscriptionIdentifier !== undefined) {
    reader.fail(reasonCodes.protocolError, 'subscription identifier sent to a server [MQTT-3.3.4-6]');
  }
}
