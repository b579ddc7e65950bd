import { CodedError } from '../core/coded-error.ts';

export const kafkaErrorCodes = [
  /** No broker answered within the time for the start. */
  'kafka_unreachable',
  /** Brokers are there, but do not let this client in: TLS, login or permissions. */
  'kafka_refused',
  /** A topic does not exist and may not be created. */
  'topic_missing',
  /** Kafka refused to create a topic. */
  'topic_not_created',
  /** `min.insync.replicas` is larger than the replication factor: no write with acks=all can succeed. */
  'topic_never_in_sync',
  /** Settings that contradict each other. */
  'invalid_settings',
  /** A record for a topic that the producer was not started with. */
  'topic_not_configured',
] as const;
export type KafkaErrorCode = (typeof kafkaErrorCodes)[number];

/** Why the producer cannot start or was used wrongly. The message says what to do. */
export class KafkaError extends CodedError<KafkaErrorCode> {
  override readonly name = 'KafkaError';
}
