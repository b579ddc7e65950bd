import type { ProtocolVersion } from '../packet-types.ts';
import { reasonCodes } from '../reason-codes.ts';
import type { Violation } from '../violation.ts';
import { noProperties, type Properties, places, readProperties } from './properties.ts';
import type { PacketReader } from './reader.ts';

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
}

export interface SubscribePacket {
  readonly packetId: number;
  readonly properties: Properties;
  readonly requests: readonly SubscriptionRequest[];
}

/** Decodes SUBSCRIBE (section 3.8). */
export function decodeSubscribe(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): SubscribePacket | Violation {
  if (flags !== 2) reader.malformed('reserved flags of SUBSCRIBE [MQTT-3.8.1-1]');
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, places.subscribe) : noProperties;
  const requests: SubscriptionRequest[] = [];
  if (reader.remaining === 0) reader.fail(reasonCodes.protocolError, 'SUBSCRIBE without a filter [MQTT-3.8.3-2]');
  while (reader.remaining > 0) requests.push(readRequest(reader, version));
  return reader.finish() ?? { packetId, properties, requests };
}

function readRequest(reader: PacketReader, version: ProtocolVersion): SubscriptionRequest {
  const filter = readFilter(reader);
  const options = reader.byte('subscription options');
  const qos = options & 3;
  const noLocal = (options & 4) !== 0;
  const retainHandling = (options >> 4) & 3;
  if ((options & (version === 5 ? 0xc0 : 0xfc)) !== 0) {
    reader.malformed('reserved bits of the subscription options [MQTT-3.8.3-5]');
  }
  if (qos === 3) reader.fail(reasonCodes.protocolError, 'QoS of a subscription is 3');
  if (retainHandling === 3) reader.fail(reasonCodes.protocolError, 'retain handling is 3');
  if (noLocal && filter.startsWith('$share/')) {
    reader.fail(reasonCodes.protocolError, 'no local on a shared subscription [MQTT-3.8.3-4]');
  }
  return { filter, qos: qos as 0 | 1 | 2, noLocal, retainAsPublished: (options & 8) !== 0, retainHandling };
}

/** A topic filter is a UTF-8 string of at least one character [MQTT-3.8.3-1, MQTT-4.7.3-1]. */
export function readFilter(reader: PacketReader): string {
  const filter = reader.utf8('topic filter');
  if (filter === '') reader.malformed('topic filter is empty [MQTT-4.7.3-1]');
  return filter;
}
