import { writeBytes, writeLength, writeOwnHeader } from '../core/headers/header-writer.ts';
import { truncateUtf8 } from '../core/headers/utf8.ts';
import type { Rejection } from '../core/outcome.ts';
import type { RecordEncoder } from '../core/record-sink.ts';
import type { RecordCursor } from '../record-batch/record-cursor.ts';
import { VarintReader } from '../record-batch/varint.ts';
import type { Frame } from './frame.ts';

/** Longer texts are cut, so that a letter without a value fits into every batch. */
const maxMessageBytes = 1024;

/**
 * A record of the spool that Kafka refused for good. Its device has been answered long ago, and its raw payload is gone: the
 * letter is the record as it was, with the reason in headers before its own.
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
 * Writes such a letter. Headers, all text: `dlq_reason` (one of `rejectionReasons`), `dlq_message`, `dlq_kafka_topic`
 * (where the record was to go), `dlq_spooled_time` (RFC 3339); then the record's own, or `dlq_dropped_payload_bytes`.
 */
export const refusedRecordEncoder: RecordEncoder<RefusedRecord> = {
  writeValue({ record: { source, valueAt, valueEnd }, whole }, target, offset) {
    if (!whole) return offset;
    const end = writeBytes(source.subarray(valueAt, valueEnd), target, offset);
    return end > target.length ? -1 : end;
  },
  writeHeaders({ record, rejection, frame, whole }, target, offset) {
    const { source, headersAt, valueAt, valueEnd, end: recordEnd } = record;
    const reader = new VarintReader(source, headersAt);
    const own = whole ? reader.read() : 1;
    let at = writeLength(4 + own, target, offset);
    at = writeOwnHeader('dlq_reason', rejection.reason, target, at);
    at = writeOwnHeader('dlq_message', truncateUtf8(rejection.detail, maxMessageBytes), target, at);
    at = writeOwnHeader('dlq_kafka_topic', frame.topic, target, at);
    at = writeOwnHeader('dlq_spooled_time', new Date(frame.spooledAtMs).toISOString(), target, at);
    if (whole) at = writeBytes(source.subarray(reader.offset, recordEnd), target, at);
    else at = writeOwnHeader('dlq_dropped_payload_bytes', String(valueEnd - valueAt), target, at);
    return at > target.length ? -1 : at;
  },
};
