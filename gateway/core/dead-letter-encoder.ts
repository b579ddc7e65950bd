import type { DeadLetter } from './dead-letter.ts';
import { fitted, writeBytes, writeHeader, writeLength, writeText } from './headers/header-writer.ts';
import { millisecondsLength, TimestampWriter } from './headers/timestamp-writer.ts';
import { truncateUtf8 } from './headers/utf8.ts';
import type { RecordEncoder } from './record-sink.ts';

/** Longer texts are cut, so that a letter without payload fits into every batch. */
const maxMessageBytes = 1024;
const maxTextBytes = 256;
/** dlq_reason, dlq_message, dlq_device_id, dlq_device_kind, dlq_mqtt_topic, dlq_qos, dlq_received_time. */
const headersAlways = 7;

/**
 * Writes the record of a dead letter. Its value is the payload as it was received; empty when the payload did not fit,
 * and then the header `dlq_dropped_payload_bytes` tells how long it was. The other headers, all text:
 *
 * - `dlq_reason`: one of `rejectionReasons`; `dlq_message`: field, value and limit in words
 * - `dlq_device_id`, `dlq_device_kind` (vehicle, bay or anonymous), `dlq_mqtt_topic`, `dlq_qos` (0, 1 or 2)
 * - `dlq_received_time`: RFC 3339 with milliseconds, also the record's timestamp, unless Kafka refused that
 * - `traceparent`, `ce_correlationid`: when the publish had them
 */
export class DeadLetterEncoder implements RecordEncoder<DeadLetter> {
  readonly #timestamps = new TimestampWriter();

  writeValue(letter: DeadLetter, target: Uint8Array, offset: number): number {
    return letter.form === 'stripped' ? offset : fitted(writeBytes(letter.publish.payload, target, offset), target);
  }

  writeHeaders(letter: DeadLetter, target: Uint8Array, offset: number): number {
    const { publish, rejection, form } = letter;
    const { identity, traceparent, correlationId } = publish;
    const optional: [key: string, value: string | undefined][] = [
      ['dlq_dropped_payload_bytes', form === 'stripped' ? String(publish.payload.length) : undefined],
      ['traceparent', traceparent],
      ['ce_correlationid', correlationId],
    ];
    const given = optional.filter(([, value]) => value !== undefined);
    let at = writeLength(headersAlways + given.length, target, offset);
    at = writeHeader('dlq_reason', rejection.reason, target, at);
    at = writeHeader('dlq_message', truncateUtf8(rejection.detail, maxMessageBytes), target, at);
    at = writeHeader('dlq_device_id', truncateUtf8(identity.deviceId, maxTextBytes), target, at);
    at = writeHeader('dlq_device_kind', identity.kind, target, at);
    at = writeHeader('dlq_mqtt_topic', truncateUtf8(publish.topic, maxTextBytes), target, at);
    at = writeHeader('dlq_qos', String(publish.qos), target, at);
    at = writeLength(millisecondsLength, target, writeText('dlq_received_time', target, at));
    at = this.#timestamps.writeMilliseconds(publish.receivedAtMs, target, at);
    for (const [key, value = ''] of given) at = writeHeader(key, truncateUtf8(value, maxTextBytes), target, at);
    return fitted(at, target);
  }
}
