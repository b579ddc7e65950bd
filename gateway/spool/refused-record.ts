import { deadLetterType } from '../core/dead-letter-encoder.ts';
import { CommonHeaders, type RecordOrigin } from '../core/headers/common-headers.ts';
import { fitted, writeBytes, writeLength, writeOwnHeader, writeRawHeader } from '../core/headers/header-writer.ts';
import { ownHeaderPrefix } from '../core/headers/record-headers.ts';
import { truncateUtf8 } from '../core/headers/utf8.ts';
import type { Rejection } from '../core/outcome.ts';
import type { RecordEncoder } from '../core/record-sink.ts';
import { headersOf } from '../record-batch/header-array.ts';
import type { RecordCursor } from '../record-batch/record-cursor.ts';
import type { Frame } from './frame.ts';

/** Longer texts are cut, so that a letter without a value fits into every batch. */
const maxMessageBytes = 1024;
const maxTextBytes = 256;
/** ce_id, dlq_reason, dlq_message, dlq_kafka_topic, dlq_spooled_time. */
const headersAlways = 5;

/**
 * A record of the spool that Kafka refused for good. Its device has been answered long ago, and its raw payload is gone: the
 * letter has the record's own value, and its own headers under other names.
 */
export interface RefusedRecord {
  /** Is at the record. */
  readonly record: RecordCursor;
  readonly frame: Frame;
  readonly rejection: Rejection;
  /** False: the record does not fit into a batch with its headers; only the reason is left of it. */
  readonly whole: boolean;
}

export function keyOf({ source, keyAt, keyLength }: RecordCursor): string {
  return source.toString('utf8', keyAt, keyAt + Math.max(0, keyLength));
}

/**
 * Writes such a letter: an event of its own, with the headers that all records share. Its `ce_id` is the record's with
 * `:dead-letter` behind it; whom it is about, when that was received and what traces it are as in the record; `ce_time` is
 * the letter's timestamp. Besides, all text: `dlq_reason` (one of `rejectionReasons`), `dlq_message`, `dlq_kafka_topic`
 * (where the record was to go), `dlq_spooled_time` (RFC 3339); then the record's own headers, each with `dlq_own_` before
 * its name, or `dlq_dropped_payload_bytes`.
 */
export class RefusedRecordEncoder implements RecordEncoder<RefusedRecord> {
  readonly #common: CommonHeaders;

  constructor(origin: RecordOrigin) {
    this.#common = new CommonHeaders(origin, { eventType: deadLetterType, contentType: 'application/octet-stream' });
  }

  writeValue(
    { record: { source, valueAt, valueEnd }, whole }: RefusedRecord,
    target: Uint8Array,
    offset: number,
  ): number {
    return whole ? fitted(writeBytes(source.subarray(valueAt, valueEnd), target, offset), target) : offset;
  }

  writeHeaders({ record, rejection, frame, whole }: RefusedRecord, target: Uint8Array, offset: number): number {
    const { source, headersAt, valueAt, valueEnd, end } = record;
    const own = headersOf(source.subarray(headersAt, end));
    const text = (name: string): string => own.find(([key]) => key === name)?.[1]?.toString() ?? '';
    const cut = (name: string): string => truncateUtf8(text(name), maxTextBytes);
    const cause = {
      receivedAtMs: Date.parse(text('ce_receivedtime')) || frame.spooledAtMs,
      traceparent: cut('ce_traceparent'),
      correlationId: cut('ce_correlationid'),
      replayAttempt: 0,
    };
    const id = truncateUtf8(text('ce_id'), maxMessageBytes) || `spool:${frame.number}:${record.index}`;
    const key = truncateUtf8(keyOf(record), maxTextBytes);
    const timeMs = record.timestampMs < 0 ? frame.spooledAtMs : record.timestampMs;
    const others = whole ? own.length : 1;
    let at = writeLength(this.#common.countOf(cause) + headersAlways + others, target, offset);
    at = this.#common.write(cause, timeMs * 1000, cut('ce_subject') || key, key, target, at);
    at = writeOwnHeader('ce_id', `${id}:dead-letter`, target, at);
    at = writeOwnHeader('dlq_reason', rejection.reason, target, at);
    at = writeOwnHeader('dlq_message', truncateUtf8(rejection.detail, maxMessageBytes), target, at);
    at = writeOwnHeader('dlq_kafka_topic', frame.topic, target, at);
    at = writeOwnHeader('dlq_spooled_time', new Date(frame.spooledAtMs).toISOString(), target, at);
    if (!whole)
      return fitted(writeOwnHeader('dlq_dropped_payload_bytes', String(valueEnd - valueAt), target, at), target);
    for (const [name, value] of own) at = writeRawHeader(`${ownHeaderPrefix}${name}`, value, target, at);
    return fitted(at, target);
  }
}
