import type { KafkaObserver, RefusalReason, TopicChange, TopicFinding } from '../kafka/observer.ts';
import type { AccessFailure } from '../kafka/security/access-failure.ts';
import { errorFields, type Fields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

type AnswerClass = Parameters<KafkaObserver['batchRetried']>[2];

const nothing = (): void => undefined;

/**
 * How copies of audit records fare on their way to Kafka. Apart from `KafkaEvents`, as nothing here speaks against the
 * gateway: no device waits for them, and the file has them.
 */
export class AuditCopyEvents implements KafkaObserver {
  readonly #log: Log;
  readonly #failures = new Tally<string>('reason');

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters(
      'edge_audit_kafka_failures_total',
      'Failed attempts to take audit records to Kafka; the records wait.',
      ['reason'],
      () => this.#failures.samples(),
    );
  }

  /** The producer could not be started; it is tried again. */
  startFailed(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    this.#failed(code, errorFields(error));
  }

  started(topic: string): void {
    this.#log.write('info', 'audit_kafka_started', 'copies of audit records go to Kafka', { topic });
  }

  topicFound({ topic, code, message }: TopicFinding): void {
    this.#log.writeLimited(code === 'created' ? 'info' : 'warn', 'kafka_topic_checked', message, { topic, code });
  }

  topicChanged({ topic, kind }: TopicChange): void {
    if (kind === 'missing') this.#failed('topic_missing', { topic });
  }

  brokerUnavailable(nodeId: number, address: string, reason: string): void {
    this.#failed('broker_unavailable', { nodeId, address, detail: reason });
  }

  metadataFailed(reason: string): void {
    this.#failed('metadata_failed', { detail: reason });
  }

  requestEnded(nodeId: number, _batches: number, _bytes: number, _durationMs: number, failure?: string): void {
    if (failure !== undefined) this.#failed('request_failed', { nodeId, detail: failure });
  }

  batchRetried(topic: string, partition: number, _answer: AnswerClass, error: string, attempts: number): void {
    this.#failed('batch_retried', { topic, partition, detail: error, attempts });
  }

  /** These do not wait any more: each is counted as lost besides. */
  recordsRejected(topic: string, reason: RefusalReason, records: number): void {
    this.#failed(reason, { topic, records });
  }

  producerIdFailed(reason: string): void {
    this.#failed('producer_id_failed', { detail: reason });
  }

  accessRefused(where: string, { code, remedy }: AccessFailure): void {
    this.#failed(code, { where, remedy });
  }

  settleFailed(error: unknown): void {
    this.#failed('settle_failed', errorFields(error));
  }

  readonly brokerConnected = nothing;
  readonly brokerDisconnected = nothing;
  readonly metadataRefreshed = nothing;
  readonly batchSealed = nothing;
  readonly batchDelivered = nothing;
  readonly batchSplit = nothing;
  readonly epochStarted = nothing;
  readonly pressureChanged = nothing;
  /** Each is told that it was lost. */
  readonly abandoned = nothing;

  #failed(reason: string, fields: Fields): void {
    this.#failures.add(reason);
    const text = 'copies of audit records do not get to Kafka; the file has them';
    this.#log.writeLimited('warn', 'audit_kafka_failed', text, { reason, ...fields });
  }
}
