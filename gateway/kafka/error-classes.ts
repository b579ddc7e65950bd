import { protocolErrorsCodesById } from '@platformatic/kafka';

/**
 * What an answer to a batch means for it. Total: every code has a class.
 *
 * - `delivered`: Kafka has it (also when it had it before).
 * - `retry`: send the same bytes again, after a pause.
 * - `retry_elsewhere`: the same, and ask first who leads the partition now.
 * - `new_epoch`: the broker's idea of our sequence differs; start a new epoch in the lane.
 * - `new_producer_id`: the producer id is fenced; get another.
 * - `too_large`, `invalid_record`: never as it is; split and single out the offenders.
 * - `needs_operator`: permissions, versions, settings; kept and tried again, because a person can mend it.
 * - `unknown`: not in the table; treated as `retry`, and counted by its own name.
 */
export const answerClasses = [
  'delivered',
  'retry',
  'retry_elsewhere',
  'new_epoch',
  'new_producer_id',
  'too_large',
  'invalid_record',
  'needs_operator',
  'unknown',
] as const;
export type AnswerClass = (typeof answerClasses)[number];

const classesByName: Record<string, AnswerClass> = {
  NONE: 'delivered',
  DUPLICATE_SEQUENCE_NUMBER: 'delivered',

  UNKNOWN_SERVER_ERROR: 'retry',
  // Damaged on its way; the broker verifies the checksum before it appends.
  CORRUPT_MESSAGE: 'retry',
  COORDINATOR_LOAD_IN_PROGRESS: 'retry',
  COORDINATOR_NOT_AVAILABLE: 'retry',
  CONCURRENT_TRANSACTIONS: 'retry',
  REASSIGNMENT_IN_PROGRESS: 'retry',
  THROTTLING_QUOTA_EXCEEDED: 'retry',

  UNKNOWN_TOPIC_OR_PARTITION: 'retry_elsewhere',
  LEADER_NOT_AVAILABLE: 'retry_elsewhere',
  NOT_LEADER_OR_FOLLOWER: 'retry_elsewhere',
  BROKER_NOT_AVAILABLE: 'retry_elsewhere',
  REPLICA_NOT_AVAILABLE: 'retry_elsewhere',
  NETWORK_EXCEPTION: 'retry_elsewhere',
  // A leader that has lost its followers may be one that was replaced and has not heard of it.
  REQUEST_TIMED_OUT: 'retry_elsewhere',
  NOT_ENOUGH_REPLICAS: 'retry_elsewhere',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'retry_elsewhere',
  NOT_COORDINATOR: 'retry_elsewhere',
  NOT_CONTROLLER: 'retry_elsewhere',
  KAFKA_STORAGE_ERROR: 'retry_elsewhere',
  LISTENER_NOT_FOUND: 'retry_elsewhere',
  FENCED_LEADER_EPOCH: 'retry_elsewhere',
  UNKNOWN_LEADER_EPOCH: 'retry_elsewhere',
  OFFSET_NOT_AVAILABLE: 'retry_elsewhere',
  PREFERRED_LEADER_NOT_AVAILABLE: 'retry_elsewhere',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'retry_elsewhere',
  UNKNOWN_TOPIC_ID: 'retry_elsewhere',
  INCONSISTENT_TOPIC_ID: 'retry_elsewhere',

  OUT_OF_ORDER_SEQUENCE_NUMBER: 'new_epoch',
  UNKNOWN_PRODUCER_ID: 'new_epoch',

  INVALID_PRODUCER_EPOCH: 'new_producer_id',
  INVALID_PRODUCER_ID_MAPPING: 'new_producer_id',
  PRODUCER_FENCED: 'new_producer_id',

  MESSAGE_TOO_LARGE: 'too_large',
  RECORD_LIST_TOO_LARGE: 'too_large',

  INVALID_RECORD: 'invalid_record',
  INVALID_TIMESTAMP: 'invalid_record',

  INVALID_TOPIC_EXCEPTION: 'needs_operator',
  INVALID_REQUIRED_ACKS: 'needs_operator',
  TOPIC_AUTHORIZATION_FAILED: 'needs_operator',
  CLUSTER_AUTHORIZATION_FAILED: 'needs_operator',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'needs_operator',
  UNSUPPORTED_SASL_MECHANISM: 'needs_operator',
  ILLEGAL_SASL_STATE: 'needs_operator',
  UNSUPPORTED_VERSION: 'needs_operator',
  INVALID_CONFIG: 'needs_operator',
  INVALID_REQUEST: 'needs_operator',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'needs_operator',
  POLICY_VIOLATION: 'needs_operator',
  SECURITY_DISABLED: 'needs_operator',
  SASL_AUTHENTICATION_FAILED: 'needs_operator',
  UNSUPPORTED_COMPRESSION_TYPE: 'needs_operator',
};

/** Answers after which the batch is certainly not in the log because of this attempt. */
const certainlyNotAppended = new Set([
  'CORRUPT_MESSAGE',
  'LEADER_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  // Or only in the log of a topic that is gone.
  'UNKNOWN_TOPIC_ID',
  'THROTTLING_QUOTA_EXCEEDED',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
]);

/** Name of a Kafka error code as in the protocol guide; `CODE_n` for one that is not known here. */
export function errorName(code: number): string {
  // The library's table is typed as complete, but brokers may be newer than it.
  return (protocolErrorsCodesById as Record<number, string | undefined>)[code] ?? `CODE_${code}`;
}

/** The class of an error code of a partition in a Produce response. */
export function classify(code: number): AnswerClass {
  return classesByName[errorName(code)] ?? 'unknown';
}

const topicUnknown = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID']);

/** Whether the broker does not know the partition: the topic may be gone, or be another one. */
export function isTopicUnknown(code: number): boolean {
  return topicUnknown.has(errorName(code));
}

/** Whether an attempt with this answer may have left the batch in the log all the same. */
export function mayBeAppended(code: number): boolean {
  return !certainlyNotAppended.has(errorName(code));
}

/** Text of whatever a connection failed with, down to its innermost cause, which is what a person needs to read. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts = error instanceof AggregateError ? error.errors.map(describeFailure).join('; ') : '';
  const text = [error.message, parts].filter((part) => part !== '').join(': ') || error.name;
  return error.cause === undefined ? text : `${text}: ${describeFailure(error.cause)}`;
}
