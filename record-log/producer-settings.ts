import type { KafkaObserver, TopicFinding } from '../gateway/kafka/observer.ts';
import type { SecuritySettings } from '../gateway/kafka/security/settings.ts';
import type { KafkaSettings } from '../gateway/kafka/settings.ts';

/** A cluster, and how to be let in there. */
export interface Destination {
  readonly brokers: readonly string[];
  readonly security: SecuritySettings;
}

const clientId = 'edge-ingest-replay';

/** A producer that waits for nobody else: small linger, and few enough records on their way to be counted one by one. */
export const producerSettings = ({ brokers, security }: Destination, maxBatchBytes: number): KafkaSettings => ({
  ...security,
  bootstrapBrokers: brokers,
  clientId,
  lingerMs: 5,
  maxBatchBytes,
  maxBatchRecords: 5000,
  maxRequestsInFlightPerBroker: 2,
  requestTimeoutMs: 10_000,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
  metadataMaxAgeMs: 30_000,
  softRecords: 20_000,
  hardRecords: 40_000,
  softBytes: 2 * maxBatchBytes + 16 * 1024 * 1024,
  hardBytes: 4 * maxBatchBytes + 32 * 1024 * 1024,
  unreachableAfterMs: 5000,
  startTimeoutMs: 15_000,
  createTopics: { enabled: false, partitions: 1, replicationFactor: 1, minInSyncReplicas: 1 },
});

/** Says what a person who waits wants to know, each thing once; a command has no metrics. */
export class QuietObserver implements KafkaObserver {
  readonly #say: (line: string) => void;
  readonly #said = new Set<string>();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  #once(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.#say(line);
  }

  topicFound({ code, message }: TopicFinding): void {
    if (code === 'settings_unreadable') this.#once(message);
  }
  topicChanged({ topic, kind }: { topic: string; kind: string }): void {
    this.#once(`topic ${topic}: ${kind}`);
  }
  brokerUnavailable(nodeId: number, address: string, reason: string): void {
    this.#once(`broker ${nodeId} at ${address}: ${reason}; trying again`);
  }
  metadataFailed(reason: string): void {
    this.#once(`Kafka does not answer: ${reason}; trying again`);
  }
  batchRetried(topic: string, _partition: number, _answer: string, error: string): void {
    this.#once(`topic ${topic}: ${error}; trying again`);
  }
  producerIdFailed(reason: string): void {
    this.#once(`no producer id: ${reason}; trying again`);
  }
  accessRefused(where: string, { code, remedy }: { code: string; remedy: string }): void {
    this.#once(`${where}: ${code}: ${remedy}; trying again`);
  }
  settleFailed(error: unknown): void {
    this.#once(`a record's outcome could not be told: ${String(error)}`);
  }
  brokerConnected(): void {}
  brokerDisconnected(): void {}
  metadataRefreshed(): void {}
  requestEnded(): void {}
  batchSealed(): void {}
  batchDelivered(): void {}
  batchSplit(): void {}
  recordsRejected(): void {}
  epochStarted(): void {}
  pressureChanged(): void {}
  abandoned(): void {}
}
