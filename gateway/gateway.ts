import { AdminServer } from './admin/server.ts';
import { maskConfig } from './config/mask.ts';
import type { GatewayConfig } from './config/schema.ts';
import { type Contracts, loadContracts } from './contract/contract.ts';
import { Access } from './core/access.ts';
import { defaultCommandTopic } from './core/default-routes.ts';
import { Ingest } from './core/ingest.ts';
import { createPipeline } from './core/pipeline.ts';
import { RouteTable } from './core/route-table.ts';
import { drain } from './drain.ts';
import { mqttGauges, producerGauges } from './gauges.ts';
import { Authenticator } from './identity/authenticator.ts';
import { DeviceRegistry } from './identity/registry.ts';
import { KafkaError } from './kafka/errors.ts';
import { Producer } from './kafka/producer.ts';
import { ceilingBytesOf, type MemoryLevel, MemoryWatch } from './memory-watch.ts';
import { defaultLimits } from './mqtt/limits.ts';
import { MqttServer } from './mqtt/server.ts';
import { Observability } from './observability/observability.ts';
import { CombinedPressure } from './pressure.ts';
import { type Condition, ReadinessConditions } from './readiness.ts';
import { retryUntil } from './retry-until.ts';
import { obtainSchemaIds } from './schema-registry/obtain-schema-ids.ts';
import { RegistryClient } from './schema-registry/registry-client.ts';
import { SchemaRegistryError } from './schema-registry/registry-error.ts';

/** How long the event loop may wait for another process's write to the device registry. */
const registryBusyTimeoutMs = 250;
/** More than a batch's header and a record's own lengths take, so that a record of the rest always fits into a batch. */
const batchOverheadBytes = 256;
/** Time for one try to reach Kafka; then the log says so, and the next one begins. */
const kafkaStartTimeoutMs = 5000;
/** Time for devices to read their last packet and to close their side. */
const farewellMs = 1000;

/**
 * Wires the edges to the core. `start` ends ready or throws; `stop` ends the source first: accept, read, settle, say
 * goodbye, close.
 */
export class Gateway {
  readonly #config: GatewayConfig;
  readonly #observability: Observability;
  readonly #contracts: Contracts;
  readonly #admin: AdminServer;
  readonly #readiness: ReadinessConditions;
  readonly #memory: MemoryWatch;
  readonly #pressure = new CombinedPressure((level) => this.#mqtt?.setPressure(level));
  readonly #stopping = new AbortController();
  readonly #startedAtMs = performance.now();
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #devices: DeviceRegistry | undefined;
  #producer: Producer | undefined;
  #mqtt: MqttServer | undefined;

  /** @throws {ContractError | RouteError} when message types, schemas and routes do not fit each other. */
  constructor(config: GatewayConfig) {
    this.#config = config;
    this.#contracts = loadContracts(config);
    this.#observability = new Observability(config.log);
    this.#admin = new AdminServer({
      ...config.admin,
      readiness: () => this.#readiness.current(),
      metricsText: () => this.#observability.metricsText(),
      metricsContentType: this.#observability.metricsContentType,
    });
    this.#memory = this.#createMemoryWatch();
    this.#readiness = new ReadinessConditions({
      recoverAfterMs: config.readiness.recoverAfterMs,
      changed: ({ ready, reasons }) => this.#observability.lifecycle.readinessChanged(ready, reasons),
    });
    this.#readiness.add(...this.#conditions());
    this.#observability.watchReadiness(() => this.#readiness.states());
  }

  /** Whatever speaks against sending devices here. */
  #conditions(): Condition[] {
    const { unsettledAfterMs, pressureAfterMs } = this.#config.readiness;
    const oldestUnsettledMs = () => this.#producer?.stats().oldestUnsettledMs ?? 0;
    return [
      { reason: 'starting', holds: () => this.#phase === 'starting', recoverAfterMs: 0 },
      { reason: 'draining', holds: () => this.#phase === 'draining' },
      { reason: 'kafka_unreachable', holds: () => this.#producer?.isReachable() === false },
      { reason: 'records_unsettled', holds: () => oldestUnsettledMs() >= unsettledAfterMs },
      { reason: 'overloaded', holds: () => this.#pressure.level === 2, afterMs: pressureAfterMs },
      { reason: 'memory_short', holds: () => this.#memory.level >= 2 },
    ];
  }

  #createMemoryWatch(): MemoryWatch {
    const ceilingBytes = ceilingBytesOf(this.#config.memory.maxBytes);
    const { lifecycle } = this.#observability;
    return new MemoryWatch({
      ceilingBytes,
      onLevel: (level, { residentBytes, heapBytes }) => {
        lifecycle.memoryLevelChanged(level, residentBytes, heapBytes, ceilingBytes);
        this.#useMemoryLevel(level);
      },
      onCritical: (excessBytes) => {
        const connections = this.#mqtt?.cutOffHeaviest(excessBytes) ?? 0;
        if (connections > 0) lifecycle.memoryReclaimed(connections, excessBytes);
      },
    });
  }

  #useMemoryLevel(level: MemoryLevel): void {
    this.#pressure.set('memory', level === 3 ? 2 : level);
    this.#mqtt?.setMemoryShort(level >= 2);
  }

  /**
   * Resolves when devices may connect, or when `stop` was called meanwhile. Schema registry and Kafka are waited for as
   * long as it takes, not ready; what waiting can't mend rejects.
   */
  async start(): Promise<void> {
    const { lifecycle } = this.#observability;
    const { signal } = this.#stopping;
    lifecycle.starting(maskConfig(this.#config));
    this.#readiness.start();
    this.#memory.start();
    try {
      const adminPort = await this.#admin.start();
      lifecycle.adminListening(this.#config.admin.host, adminPort);
      if (signal.aborted) return;
      this.#devices = this.#openDevices();
      const schemaIds = await this.#obtainSchemaIds();
      if (schemaIds === undefined) return;
      const producer = await this.#startProducer();
      if (producer === undefined) return;
      // `stop` did not know of it yet, so nobody else will close it.
      if (signal.aborted) return await producer.close();
      this.#producer = producer;
      const mqtt = this.#createMqttServer(producer, schemaIds);
      this.#mqtt = mqtt;
      mqtt.setPressure(this.#pressure.level);
      mqtt.setMemoryShort(this.#memory.level >= 2);
      producer.onPressure((level) => this.#pressure.set('records', level));
      this.#observability.watch(...producerGauges(producer), ...mqttGauges(mqtt));
      await mqtt.start();
      if (signal.aborted) return;
      this.#announce(mqtt);
    } catch (error) {
      if (signal.aborted) return;
      lifecycle.startFailed(error);
      await this.#close();
      throw error;
    }
  }

  /**
   * Drains: not ready first, then hands the devices over, settles what has been read (at most
   * `shutdown.drainDeadlineMs`), closes. Resolves to whether everything was settled.
   *
   * @param cause for the log: the signal.
   */
  async stop(cause: string): Promise<boolean> {
    const startedAtMs = performance.now();
    const { drainDeadlineMs } = this.#config.shutdown;
    this.#phase = 'draining';
    this.#observability.lifecycle.draining(cause, drainDeadlineMs);
    this.#stopping.abort();
    const unsettled = await this.#drain();
    await this.#close();
    this.#observability.lifecycle.stopped(unsettled, performance.now() - startedAtMs);
    this.#observability.flush();
    return unsettled === 0;
  }

  async #drain(): Promise<number> {
    const mqtt = this.#mqtt;
    const producer = this.#producer;
    if (mqtt === undefined || producer === undefined) return 0;
    const { shutdown: settings } = this.#config;
    const { lifecycle } = this.#observability;
    return drain({ mqtt, settings, lifecycle, settle: (deadlineMs) => producer.drain(deadlineMs) });
  }

  /** For an exception that nobody caught: says so before the process ends. */
  crashed(error: unknown): void {
    this.#observability.lifecycle.crashed(error);
    this.#observability.flush();
  }

  #openDevices(): DeviceRegistry | undefined {
    const needed = this.#config.listeners.some(({ auth }) => auth === 'registry');
    return needed
      ? DeviceRegistry.open(this.#config.identity.databasePath, { busyTimeoutMs: registryBusyTimeoutMs })
      : undefined;
  }

  async #obtainSchemaIds(): Promise<ReadonlyMap<string, number> | undefined> {
    const { lifecycle } = this.#observability;
    const client = new RegistryClient(this.#config.schemaRegistry);
    const ids = await retryUntil(this.#stopping.signal, {
      attempt: () => obtainSchemaIds(client, this.#contracts.schemas, this.#config.schemaRegistry.register),
      isTransient: (error) => error instanceof SchemaRegistryError && transientRegistryErrors.has(error.code),
      onRetry: (error) => lifecycle.startDelayed('schema_registry', error),
    });
    for (const [subject, id] of ids ?? []) lifecycle.schemaReady(subject, id);
    return ids;
  }

  #startProducer(): Promise<Producer | undefined> {
    const { routes, deadLetterTopic, kafka } = this.#config;
    const { kafka: observer, lifecycle } = this.#observability;
    const topics = [...new Set([...routes.map(({ kafkaTopic }) => kafkaTopic), deadLetterTopic])];
    return retryUntil(this.#stopping.signal, {
      attempt: () => Producer.start({ ...kafka, topics, observer, startTimeoutMs: kafkaStartTimeoutMs }),
      isTransient: (error) => error instanceof KafkaError && error.code === 'kafka_unreachable',
      onRetry: (error) => lifecycle.startDelayed('kafka', error),
    });
  }

  #createMqttServer(producer: Producer, schemaIds: ReadonlyMap<string, number>): MqttServer {
    const { listeners, routes, mqtt, deadLetterTopic, eventSource, validation } = this.#config;
    const observability = this.#observability;
    const access = new Access(new RouteTable(routes), defaultCommandTopic);
    const authenticator = this.#createAuthenticator();
    const pipeline = createPipeline({
      routes,
      codecs: this.#contracts.codecs(schemaIds),
      limits: validation,
      source: eventSource,
      maxRecordBytes: this.#config.kafka.maxBatchBytes - batchOverheadBytes,
    });
    const ingest = new Ingest({
      pipeline,
      sink: producer,
      deadLetterTopic,
      observer: observability.ingest,
      pressure: () => this.#pressure.level,
    });
    return new MqttServer({
      listeners,
      limits: { ...defaultLimits, ...mqtt, maxInFlightPerConnection: mqtt.receiveMaximum },
      authenticate: (credentials) => authenticator.authenticate(credentials),
      mayPublish: (identity, topic) => access.mayPublish(identity, topic) === undefined,
      maySubscribe: (identity, filter) => access.maySubscribe(identity, filter),
      receive: (publish) => ingest.receive(publish),
      now: Date.now,
      observer: observability.mqtt,
    });
  }

  #createAuthenticator(): Authenticator {
    const { cacheMaxEntries, cacheTtlSeconds, hashConcurrency, hashQueueMax } = this.#config.identity;
    const authenticator = new Authenticator({
      registry: this.#devices,
      cache: { maxEntries: cacheMaxEntries, ttlSeconds: cacheTtlSeconds },
      hashConcurrency,
      hashQueueMax,
      observer: this.#observability.identity,
    });
    this.#observability.watch({
      name: 'edge_identity_hashes_pending',
      help: 'Connections whose password is being verified or waits for it.',
      read: () => authenticator.pending,
    });
    return authenticator;
  }

  #announce(mqtt: MqttServer): void {
    const { lifecycle } = this.#observability;
    const ports: Record<string, number> = {};
    for (const { name, host, port, auth } of mqtt.addresses) {
      ports[name] = port;
      lifecycle.listening(name, host, port, auth);
    }
    this.#phase = 'running';
    lifecycle.ready(ports, performance.now() - this.#startedAtMs);
  }

  async #close(): Promise<void> {
    this.#readiness.stop();
    this.#memory.stop();
    await this.#mqtt?.close(farewellMs);
    await this.#producer?.close();
    this.#devices?.close();
    await this.#admin.close();
    this.#observability.flush();
  }
}

const transientRegistryErrors: ReadonlySet<string> = new Set(['registry_unreachable', 'registry_unavailable']);
