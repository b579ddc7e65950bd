import type { DeadLetter } from './dead-letter.ts';
import { CommonHeaders, type RecordOrigin } from './headers/common-headers.ts';
import { fitted, writeBytes, writeLength, writeOwnHeader, writeOwnKey } from './headers/header-writer.ts';
import type { HeaderName } from './headers/record-headers.ts';
import { millisecondsLength, TimestampWriter } from './headers/timestamp-writer.ts';
import { truncateUtf8 } from './headers/utf8.ts';
import { maxGroupsBytes } from './identity.ts';
import type { Rejection } from './outcome.ts';
import type { RecordEncoder } from './record-sink.ts';

/** CloudEvents type of all dead letters. */
export const deadLetterType = 'com.mobilitycorp.deadletter.v1';

/** Longer texts are cut, so that a letter without payload fits into every batch. */
const maxMessageBytes = 1024;
const maxTextBytes = 256;
/**
 * ce_id, content-type; dlq_reason, dlq_message, dlq_device_id, dlq_device_kind, dlq_bound_to, dlq_mqtt_topic, dlq_qos,
 * dlq_received_time.
 */
const headersAlways = 10;

/** In the place of what a header must not tell. */
export const withheldDetail = 'withheld, as the payload is encrypted';

const cut = (text: string | undefined): string | undefined => text && truncateUtf8(text, maxTextBytes);

/**
 * Writes the record of a dead letter. Its value is the payload as it was received; empty when the payload did not fit,
 * and then the header `dlq_dropped_payload_bytes` tells how long it was. The other headers, all text:
 *
 * - those that all records share; `ce_time` is the time of receipt, `ce_subject` and `ce_partitionkey` whom the device
 *   is bound to, `ce_id` `{deviceId}:{digest}:dead-letter` (of an anonymous client `{deviceId}/:…`): a publish that is
 *   refused again has the same
 * - `dlq_reason`: one of `rejectionReasons`; `dlq_message`: field, value and limit in words
 * - `dlq_device_id`, `dlq_device_kind` (vehicle, bay or anonymous), `dlq_bound_to` (empty for anonymous), `dlq_mqtt_topic`,
 *   `dlq_qos` (0, 1 or 2), and `dlq_groups` when it is in some: with these a replay authorizes the publish as at first
 * - `dlq_truncated`: only when one of these was too long and was cut, so that the letter cannot be replayed
 * - `dlq_unkept_publishes`: only when some of the device were rejected before this one without a letter (`LetterCap`)
 * - `dlq_received_time`: RFC 3339 with milliseconds, also the record's timestamp, unless Kafka refused that
 */
export class DeadLetterEncoder implements RecordEncoder<DeadLetter> {
  readonly #common: CommonHeaders;
  readonly #timestamps = new TimestampWriter();
  readonly #withholdDetails: boolean;

  /** @param withholdDetails `dlq_message` says nothing, because it quotes values of a payload that is to be encrypted. */
  constructor(origin: RecordOrigin, withholdDetails = false) {
    this.#withholdDetails = withholdDetails;
    this.#common = new CommonHeaders(origin, { eventType: deadLetterType });
  }

  writeValue(letter: DeadLetter, target: Uint8Array, offset: number): number {
    return letter.form === 'stripped' ? offset : fitted(writeBytes(letter.publish.payload, target, offset), target);
  }

  writeHeaders(letter: DeadLetter, target: Uint8Array, offset: number): number {
    const { publish, rejection, form } = letter;
    const { identity, receivedAtMs, replayAttempt } = publish;
    const cause = {
      receivedAtMs,
      replayAttempt,
      traceparent: cut(publish.traceparent),
      correlationId: cut(publish.correlationId),
    };
    const key = truncateUtf8(letter.key, maxTextBytes);
    const deviceId = truncateUtf8(identity.deviceId, maxTextBytes);
    const boundTo = truncateUtf8(identity.boundTo, maxTextBytes);
    const mqttTopic = truncateUtf8(publish.topic, maxTextBytes);
    const allGroups = identity.groups?.join(',') ?? '';
    // Whole, as a replay is authorized by them: more than these no device is in.
    const groups = truncateUtf8(allGroups, maxGroupsBytes);
    const optional: [key: HeaderName, value: string][] = [];
    if (groups !== '') optional.push(['dlq_groups', groups]);
    if (form === 'stripped') optional.push(['dlq_dropped_payload_bytes', String(publish.payload.length)]);
    const isCut = deviceId !== identity.deviceId || boundTo !== identity.boundTo || groups !== allGroups;
    if (isCut || mqttTopic !== publish.topic) {
      optional.push(['dlq_truncated', 'true']);
    }
    if (letter.unkept > 0) optional.push(['dlq_unkept_publishes', String(letter.unkept)]);
    let at = writeLength(this.#common.countOf(cause) + headersAlways + optional.length, target, offset);
    at = this.#common.write(cause, receivedAtMs * 1000, key, key, target, at);
    // As in ids of events: no registered device has a slash in its id. The digest is also of the topic, and so of the vehicle.
    const sender = identity.kind === 'anonymous' ? `${deviceId}/` : deviceId;
    at = writeOwnHeader('ce_id', `${sender}:${letter.digest}:dead-letter`, target, at);
    at = writeOwnHeader('content-type', cut(publish.contentType) || 'application/octet-stream', target, at);
    at = writeOwnHeader('dlq_reason', rejection.reason, target, at);
    at = writeOwnHeader('dlq_message', this.#messageOf(rejection), target, at);
    at = writeOwnHeader('dlq_device_id', deviceId, target, at);
    at = writeOwnHeader('dlq_device_kind', identity.kind, target, at);
    at = writeOwnHeader('dlq_bound_to', boundTo, target, at);
    at = writeOwnHeader('dlq_mqtt_topic', mqttTopic, target, at);
    at = writeOwnHeader('dlq_qos', String(publish.qos), target, at);
    at = writeLength(millisecondsLength, target, writeOwnKey('dlq_received_time', target, at));
    at = this.#timestamps.writeMilliseconds(receivedAtMs, target, at);
    for (const [name, value] of optional) at = writeOwnHeader(name, value, target, at);
    return fitted(at, target);
  }

  #messageOf({ detail }: Rejection): string {
    return this.#withholdDetails ? withheldDetail : truncateUtf8(detail, maxMessageBytes);
  }
}
