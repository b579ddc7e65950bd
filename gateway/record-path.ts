import type { GatewayConfig } from './config/schema.ts';
import type { Account } from './core/account.ts';
import type { KeyProvider } from './core/data-keys.ts';
import type { Pressure, RecordSink } from './core/record-sink.ts';
import { backlogSealing } from './encryption-path.ts';
import { producerGauges, spoolGauges } from './gauges.ts';
import { KafkaError } from './kafka/errors.ts';
import { Producer } from './kafka/producer.ts';
import { AccessWatch } from './kafka/security/access-watch.ts';
import type { Observability } from './observability/observability.ts';
import type { Condition } from './readiness.ts';
import { recordConditions } from './record-conditions.ts';
import { retryUntil } from './retry-until.ts';
import type { SpoolSettings } from './spool/settings.ts';
import { Spool } from './spool/spool.ts';
import { SpooledSink } from './spool/spooled-sink.ts';
import { telemetryDemandsOf } from './topic-demands-of.ts';

export interface RecordPathOptions {
  readonly config: GatewayConfig;
  /** What an encrypted spool is written and read with, and what of it is plain encrypted; undefined: there are no keys. */
  readonly keys?: KeyProvider | undefined;
  readonly observability: Observability;
  /** Aborted when the gateway is to stop. */
  readonly signal: AbortSignal;
  /** Told at once, also from inside of `append`. */
  readonly onPressure: (level: Pressure) => void;
}

/** Time for one try to reach Kafka; then the log says so, and the next one begins. */
const kafkaStartTimeoutMs = 5000;

/** What records go through behind the core: the producer, and the spool in front of it where it is on. */
export class RecordPath {
  readonly #options: RecordPathOptions;
  readonly #access: AccessWatch;
  #producer: Producer | undefined;
  #spool: Spool | undefined;
  #spooled: SpooledSink | undefined;
  #closed = false;

  constructor(options: RecordPathOptions) {
    this.#options = options;
    const { kafka } = options.observability;
    this.#access = new AccessWatch(
      (where, failure) => kafka.accessRefused(where, failure),
      options.config.kafka.retryBackoffMaxMs,
    );
  }

  /** Where records are to be appended; undefined before `connect`. */
  get sink(): RecordSink | undefined {
    return this.#spooled ?? this.#producer;
  }

  /** Takes the directory of the spool, where it is on. @throws {SpoolError} */
  async open(): Promise<void> {
    const { config, keys, observability } = this.#options;
    const settings = spoolSettings(config);
    if (settings === undefined) return;
    this.#spool = await Spool.open({ settings, limits: config.kafka, observer: observability.spool, keys });
  }

  /**
   * Resolves when there is a sink: when Kafka answers, or at once after it did not, where a spool takes its place. False:
   * it was stopped meanwhile. @throws {KafkaError} what waiting cannot mend, without a spool.
   */
  async connect(): Promise<boolean> {
    const { signal, observability } = this.#options;
    if (this.#spool === undefined) {
      const producer = await this.#startProducer((error) => isPassing(error));
      if (producer === undefined) return false;
      await this.#useProducer(producer);
      return !signal.aborted;
    }
    let firstFailure: unknown;
    const producer = await this.#tryProducer().catch((error: unknown) => {
      if (!isPassing(error)) throw error;
      firstFailure = error;
      return undefined;
    });
    if (producer !== undefined) await this.#useProducer(producer);
    this.#createSpooledSink(this.#spool, producer);
    if (producer !== undefined) return !signal.aborted;
    observability.lifecycle.startDelayed('kafka', firstFailure);
    void this.#attachLater();
    return !signal.aborted;
  }

  #createSpooledSink(spool: Spool, producer: Producer | undefined): void {
    const { config, keys, observability, onPressure } = this.#options;
    const settings = spoolSettings(config) as SpoolSettings;
    const { deadLetterTopic, eventSource: source, eventTenant: tenant } = config;
    const observer = observability.spool;
    const origin = { source, tenant };
    const sealing = backlogSealing(config, keys, (topic) => observer.sealedLate(topic));
    const sink = new SpooledSink({ spool, settings, deadLetterTopic, origin, observer, sealing, target: producer });
    this.#spooled = sink;
    sink.onPressure(onPressure);
    onPressure(sink.pressure);
    producer?.onPressure(() => sink.targetPressureChanged());
    observability.watch(...spoolGauges(spool, sink));
  }

  /** Devices are served out of the spool by now, so that whatever is wrong with Kafka can be waited for. */
  async #attachLater(): Promise<void> {
    const producer = await this.#startProducer((error) => error instanceof KafkaError);
    if (producer === undefined) return;
    await this.#useProducer(producer);
    const sink = this.#spooled;
    if (this.#closed || sink === undefined) return;
    producer.onPressure(() => sink.targetPressureChanged());
    sink.attach(producer);
  }

  #startProducer(isTransient: (error: unknown) => boolean): Promise<Producer | undefined> {
    const { signal, observability } = this.#options;
    return retryUntil(signal, {
      attempt: () => this.#tryProducer(),
      isTransient,
      onRetry: (error) => observability.lifecycle.startDelayed('kafka', error),
    });
  }

  #tryProducer(): Promise<Producer> {
    const { config } = this.#options;
    const demands = telemetryDemandsOf(config);
    const observer = this.#options.observability.kafka;
    // Those of a backlog too: it may be of a time when the routes named others.
    const recovered = this.#spool?.ledger.recoveredTopics ?? [];
    const topics = [...new Set([...demands.keys(), ...recovered])];
    const access = this.#access;
    return Producer.start({ ...config.kafka, topics, demands, observer, access, startTimeoutMs: kafkaStartTimeoutMs });
  }

  async #useProducer(producer: Producer): Promise<void> {
    // `close` did not know of it yet, so nobody else will close it.
    if (this.#closed) return await producer.close();
    const { observability, onPressure } = this.#options;
    this.#producer = producer;
    if (this.#spool === undefined) producer.onPressure(onPressure);
    observability.watch(...producerGauges(producer));
  }

  /** Whatever of it speaks against sending devices here. */
  conditions(unsettledAfterMs: number): Condition[] {
    const ways = () => ({ producer: this.#producer, access: this.#access, spooled: this.#spooled });
    return recordConditions(ways, unsettledAfterMs);
  }

  /** Records that publishes may wait for, counted where they lie. */
  get heldRecords(): number {
    return (this.#producer?.heldRecords ?? 0) + (this.#spool?.waitingRecords ?? 0);
  }

  /** For the self-check of rule 7. */
  accounts(): Account[] {
    return [...(this.#producer?.accounts() ?? []), ...(this.#spooled?.accounts() ?? [])];
  }

  /** A stop has begun: Kafka is not waited for as long as usual before the spool takes over. */
  hurry(): void {
    this.#spooled?.hurry();
  }

  /** Settles everything: on Kafka, or in the spool. Resolves to the records that are left when the time is over. */
  async drain(deadlineMs: number): Promise<number> {
    if (this.#spooled !== undefined) return this.#spooled.drain(deadlineMs);
    return (await this.#producer?.drain(deadlineMs)) ?? 0;
  }

  /** What is not durable is settled as unanswered; what is stays in the spool. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#producer?.close();
    await this.#spooled?.close();
    await this.#spool?.close();
  }
}

/** Brokers may come back; a person may mend a certificate, a password or a permission. */
function isPassing(error: unknown): boolean {
  return error instanceof KafkaError && (error.code === 'kafka_unreachable' || error.code === 'kafka_refused');
}

function spoolSettings({ spool }: GatewayConfig): SpoolSettings | undefined {
  const { mode } = spool;
  return mode === 'off' ? undefined : { ...spool, mode };
}
