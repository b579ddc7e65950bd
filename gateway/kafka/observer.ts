import type { Pressure } from '../core/record-sink.ts';
import type { MisfitCode } from '../core/topic-demands.ts';
import type { AnswerClass } from './error-classes.ts';
import type { AccessFailure } from './security/access-failure.ts';
import type { AccessWatch } from './security/access-watch.ts';

/** Why a lane began to count its sequence numbers from zero again. */
export type NewEpochCause = 'sequence_lost' | 'fenced' | 'records_rejected';

/** Why records of a batch were refused for good. */
export type RefusalReason = 'too_large' | 'refused_by_kafka';

/** The partitions of a topic are not what they were. */
export interface TopicChange {
  readonly topic: string;
  /**
   * `missing`: the cluster does not show it any more; its records wait. `back`: it does again. `grown`: it has more
   * partitions. `recreated`: it was deleted and created again.
   */
  readonly kind: 'missing' | 'back' | 'grown' | 'recreated';
  /** How many it has now. */
  readonly partitions: number;
  /** Unsettled records that were encoded anew for the partitions of today. */
  readonly movedRecords: number;
  /** Those of them that an earlier, unanswered attempt may have stored already. */
  readonly possibleDuplicates: number;
}

/** What is worth knowing about a topic before the first record goes there. */
export interface TopicFinding {
  readonly topic: string;
  readonly code: 'created' | 'settings_unreadable' | MisfitCode;
  /** What it means and what to do about it. */
  readonly message: string;
}

/**
 * What the producer tells the world. Called per request, batch or event of a connection, never per message.
 * Implementations must not throw and must not call back into the producer.
 */
export interface KafkaObserver {
  topicFound(finding: TopicFinding): void;
  topicChanged(change: TopicChange): void;
  brokerConnected(nodeId: number, address: string): void;
  /** `reason`: text of the error; undefined when the producer itself closed the connection. */
  brokerDisconnected(nodeId: number, address: string, reason: string | undefined): void;
  /** The connection could not be made; it is tried again after `retryInMs`. */
  brokerUnavailable(nodeId: number, address: string, reason: string, retryInMs: number): void;
  metadataRefreshed(brokers: number, partitions: number, partitionsWithoutLeader: number): void;
  /** No broker could be asked. */
  metadataFailed(reason: string, retryInMs: number): void;
  /** A Produce request has been answered, or has failed; `failure` is undefined when there is an answer. */
  requestEnded(nodeId: number, batches: number, bytes: number, durationMs: number, failure: string | undefined): void;
  /** `rawBytes` before compression, `bytes` as sent. */
  batchSealed(topic: string, records: number, rawBytes: number, bytes: number): void;
  /** `duplicate`: Kafka had it already, from an earlier attempt. `ageMs`: since its first record was appended. */
  batchDelivered(topic: string, records: number, duplicate: boolean, ageMs: number): void;
  /** The batch stays first in its lane and is sent again. `error` is the Kafka error's name or a network error's text. */
  batchRetried(topic: string, partition: number, answer: AnswerClass, error: string, attempts: number): void;
  batchSplit(topic: string, partition: number, records: number, error: string): void;
  recordsRejected(topic: string, reason: RefusalReason, records: number): void;
  /** `possibleDuplicates`: records that an earlier, unanswered attempt may have stored already. */
  epochStarted(topic: string, partition: number, cause: NewEpochCause, possibleDuplicates: number): void;
  producerIdFailed(reason: string, retryInMs: number): void;
  /** Kafka does not let this client in; it is tried again. `where`: `broker 1`, `topic alerts`. */
  accessRefused(where: string, failure: AccessFailure): void;
  pressureChanged(level: Pressure, records: number, bytes: number): void;
  /** Whoever was told an outcome threw: a defect, reported so that it does not stop the others. */
  settleFailed(error: unknown): void;
  /** What was left when the drain deadline was over. */
  abandoned(records: number): void;
}

/** Who is told how it goes with brokers. */
export interface KafkaObservers {
  readonly observer: KafkaObserver;
  readonly access: AccessWatch;
}
