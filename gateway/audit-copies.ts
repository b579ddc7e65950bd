import type { ChainedRecord } from './administration/audit/audit-record.ts';
import { AuditTopic } from './administration/audit/audit-topic.ts';
import type { GatewayConfig } from './config/schema.ts';
import { Producer } from './kafka/producer.ts';
import type { Observability } from './observability/observability.ts';
import { retryUntil } from './retry-until.ts';
import { topicDemandsOf } from './topic-demands-of.ts';

/** Time for one try to reach Kafka; then the log says so, and the next one begins. */
const startTimeoutMs = 5000;
/** So long a stop waits for Kafka to take what is left. */
const flushMs = 1000;
const mostBatchBytes = 65_536;
const bytesPerMiB = 1_048_576;
/** `AuditTopic` bounds what waits; the producer's watermarks lie above that and say nothing. */
const limits = {
  ...{ maxBatchRecords: 1000, maxRequestsInFlightPerBroker: 1 },
  ...{ softRecords: 10_000, hardRecords: 20_000, softBytes: 16 * bytesPerMiB, hardBytes: 32 * bytesPerMiB },
};

/**
 * Takes copies of audit records to their Kafka topic by a producer of its own, with its own connections and memory:
 * whatever is wrong with that topic harms neither readiness nor telemetry. It is tried for as long as the gateway runs.
 */
export class AuditCopies {
  readonly #config: GatewayConfig;
  readonly #observability: Observability;
  readonly #topic: AuditTopic;
  readonly #stopping = new AbortController();
  #producer: Producer | undefined;

  private constructor(config: GatewayConfig, observability: Observability) {
    this.#config = config;
    this.#observability = observability;
    const { administration, eventSource: source, eventTenant: tenant } = config;
    const settled = (isWritten: boolean): void => observability.administration.auditSent(isWritten);
    this.#topic = new AuditTopic({ topic: administration.audit.topic, source, tenant, settled });
    observability.watch({
      name: 'edge_audit_kafka_waiting_records',
      help: 'Audit records that wait for Kafka; the file has them.',
      read: () => this.#topic.waiting,
    });
  }

  /** Undefined where there is no topic for them. */
  static of(config: GatewayConfig, observability: Observability): AuditCopies | undefined {
    return config.administration.audit.topic === '' ? undefined : new AuditCopies(config, observability);
  }

  /** Begins to look for Kafka; nobody waits for it. */
  start(): void {
    void this.#connect();
  }

  send(record: ChainedRecord): void {
    this.#topic.send(record);
  }

  /** Gives Kafka a moment to take what waits; the rest is lost to it. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#producer?.drain(flushMs);
    await this.#producer?.close();
    this.#topic.close();
  }

  async #connect(): Promise<void> {
    const { auditCopies: events } = this.#observability;
    const { signal } = this.#stopping;
    const producer = await retryUntil(signal, {
      attempt: () => this.#startProducer(),
      // Whatever it is: nothing is better off when it is given up.
      isTransient: () => true,
      onRetry: (error) => events.startFailed(error),
    });
    // `close` did not know of it yet, so nobody else will close it.
    if (signal.aborted) return await producer?.close();
    if (producer === undefined) return;
    this.#producer = producer;
    events.started(this.#config.administration.audit.topic);
    this.#topic.attach(producer);
  }

  #startProducer(): Promise<Producer> {
    const { kafka, administration } = this.#config;
    return Producer.start({
      ...kafka,
      ...limits,
      clientId: `${kafka.clientId}-audit`,
      maxBatchBytes: Math.min(kafka.maxBatchBytes, mostBatchBytes),
      topics: [administration.audit.topic],
      demands: topicDemandsOf(this.#config),
      observer: this.#observability.auditCopies,
      startTimeoutMs,
    });
  }
}
