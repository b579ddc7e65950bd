import type { TopicDemands } from '../core/topic-demands.ts';
import type { SecuritySettings } from './security/settings.ts';

/** Where the producer connects to and how it batches. Bytes are bytes, times are milliseconds. */
export interface KafkaSettings extends SecuritySettings {
  /** `host:port` of brokers to learn the cluster from. */
  readonly bootstrapBrokers: readonly string[];
  readonly clientId: string;
  /** How long an open batch waits for more records while its broker is idle. */
  readonly lingerMs: number;
  /** Largest record batch before compression, with its header. Less than 128 MiB. */
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  /** A Produce request is not filled beyond this, but always carries one batch. Default: 8 MiB. */
  readonly maxRequestBytes?: number;
  readonly maxRequestsInFlightPerBroker: number;
  /** An unanswered request is given up after this; its outcome is then unknown and the same bytes are sent again. */
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  readonly softRecords: number;
  readonly hardRecords: number;
  readonly softBytes: number;
  readonly hardBytes: number;
  /** How long no broker may have answered before `isReachable` says so. */
  readonly unreachableAfterMs: number;
  /** How long `Producer.start` tries to reach the cluster. Default: 30,000. */
  readonly startTimeoutMs?: number;
  readonly createTopics: CreateTopicsSettings;
  /** What each topic is held against at the start; a topic without demands must take `maxBatchBytes`. */
  readonly demands?: ReadonlyMap<string, TopicDemands>;
}

export interface CreateTopicsSettings {
  readonly enabled: boolean;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInSyncReplicas: number;
}

export const defaultMaxRequestBytes = 8 * 1024 * 1024;
export const defaultStartTimeoutMs = 30_000;
