import { CodedError } from '../gateway/core/coded-error.ts';

export const recordLogErrorCodes = [
  /** No broker answered. */
  'kafka_unreachable',
  /** The topic does not exist. */
  'topic_missing',
  /** It was deleted, and maybe created again, while it was being read. */
  'topic_replaced',
  /** Nothing advanced for too long. */
  'stalled',
  /** A batch whose checksum or structure is wrong, or that no codec can unpack. */
  'unreadable_batch',
  /** Kafka refuses to hand out or to take records for good. */
  'refused',
] as const;
export type RecordLogErrorCode = (typeof recordLogErrorCodes)[number];

/** Why records cannot be read or copied. The message says where. */
export class RecordLogError extends CodedError<RecordLogErrorCode> {
  override readonly name = 'RecordLogError';
}
