import { AccountingWatch } from './accounting-watch.ts';
import { publishAccounts } from './accounts.ts';
import { AdminServer } from './admin/server.ts';
import { AlertPath, type ReadableSettings } from './alert-path.ts';
import { maskConfig } from './config/mask.ts';
import { leastCeilingBytes } from './config/memory-needs.ts';
import type { GatewayConfig } from './config/schema.ts';
import { connectivityOf } from './connectivity-of.ts';
import type { Contracts } from './contract/contract.ts';
import { alertRecord, connectivityRecord, contractsOf } from './contracts-of.ts';
import { Access } from './core/access.ts';
import type { Account } from './core/account.ts';
import type { RecordCodec, RegisteredSchema } from './core/codec.ts';
import { defaultCommandTopic } from './core/default-routes.ts';
import type { DeviceWindows } from './core/duplicates/device-windows.ts';
import { Ingest } from './core/ingest.ts';
import { LetterCap } from './core/letter-cap.ts';
import { createPipeline } from './core/pipeline.ts';
import type { RecordSink } from './core/record-sink.ts';
import { RouteTable } from './core/route-table.ts';
import { deviceWindows } from './device-windows.ts';
import { drain } from './drain.ts';
import { mqttGauges } from './gauges.ts';
import { Authenticator } from './identity/authenticator.ts';
import { DeviceRegistry } from './identity/registry.ts';
import { ceilingBytesOf, type MemoryLevel, MemoryWatch } from './memory-watch.ts';
import { defaultLimits } from './mqtt/limits.ts';
import { MqttServer } from './mqtt/server.ts';
import { Observability } from './observability/observability.ts';
import { CombinedPressure } from './pressure.ts';
import { type Condition, ReadinessConditions } from './readiness.ts';
import { RecordPath } from './record-path.ts';
import { schemaIds } from './schema-ids.ts';

/** How long the event loop may wait for another process's write to the device registry. */
const registryBusyTimeoutMs = 250;
/** More than a batch's header and a record's own lengths take, so that a record of the rest always fits into a batch. */
const batchOverheadBytes = 256;
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
  readonly #accounting: AccountingWatch;
  readonly #pressure = new CombinedPressure((level) => this.#mqtt?.setPressure(level));
  readonly #stopping = new AbortController();
  readonly #startedAtMs = performance.now();
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  readonly #records: RecordPath;
  readonly #alerts: AlertPath | undefined;
  readonly #windows: DeviceWindows | undefined;
  #devices: DeviceRegistry | undefined;
  #mqtt: MqttServer | undefined;

  /**
   * @param settings where `config` came from, for rules of alerts that are exchanged while the gateway runs.
   * @throws {ContractError | RouteError} when message types, schemas and routes do not fit each other.
   * @throws {AlertsError} when the geofences can't be read.
   */
  constructor(config: GatewayConfig, settings?: ReadableSettings) {
    this.#config = config;
    this.#contracts = contractsOf(config);
    this.#observability = new Observability(config.log);
    this.#admin = new AdminServer({
      ...config.admin,
      readiness: () => this.#readiness.current(),
      metricsText: () => this.#observability.metricsText(),
      metricsContentType: this.#observability.metricsContentType,
    });
    this.#memory = this.#createMemoryWatch();
    this.#records = new RecordPath({
      config,
      observability: this.#observability,
      signal: this.#stopping.signal,
      onPressure: (level) => this.#pressure.set('records', level),
    });
    this.#alerts = config.alerts.enabled
      ? new AlertPath({ config, observability: this.#observability, settings })
      : undefined;
    this.#windows = deviceWindows(config, this.#observability);
    this.#readiness = new ReadinessConditions({
      recoverAfterMs: config.readiness.recoverAfterMs,
      changed: ({ ready, reasons }) => this.#observability.lifecycle.readinessChanged(ready, reasons),
    });
    this.#readiness.add(...this.#conditions());
    this.#accounting = new AccountingWatch(() => this.#accounts(), this.#observability.accounting);
    this.#observability.watchReadiness(() => this.#readiness.states());
  }

  /** Read by the self-check of rule 7. */
  #accounts(): Account[] {
    const { came, went } = this.#observability.ingest;
    const held = this.#mqtt?.publishesHeld ?? 0;
    const heldRecords = this.#records.heldRecords + (this.#windows?.waitingCopies ?? 0);
    const events = this.#windows?.accounts() ?? [];
    return [...publishAccounts({ came, went, held, heldRecords }), ...this.#records.accounts(), ...events];
  }

  /** Whatever speaks against sending devices here. */
  #conditions(): Condition[] {
    const { unsettledAfterMs, pressureAfterMs } = this.#config.readiness;
    return [
      { reason: 'starting', holds: () => this.#phase === 'starting', recoverAfterMs: 0 },
      { reason: 'draining', holds: () => this.#phase === 'draining' },
      ...this.#records.conditions(unsettledAfterMs),
      { reason: 'overloaded', holds: () => this.#pressure.level === 2, afterMs: pressureAfterMs },
      { reason: 'memory_short', holds: () => this.#memory.level >= 2 },
    ];
  }

  #createMemoryWatch(): MemoryWatch {
    const ceilingBytes = ceilingBytesOf(this.#config.memory.maxBytes);
    const { lifecycle } = this.#observability;
    return new MemoryWatch({
      ceilingBytes,
      onLevel: (level, { residentBytes, heapBytes, heapLimitBytes }) => {
        lifecycle.memoryLevelChanged(level, { residentBytes, ceilingBytes, heapBytes, heapLimitBytes });
        this.#useMemoryLevel(level);
      },
      onCritical: (excessBytes) => {
        const connections = this.#mqtt?.cutOffHeaviest(excessBytes) ?? 0;
        if (connections > 0) lifecycle.memoryReclaimed(connections, excessBytes);
      },
    });
  }

  #useMemoryLevel(level: MemoryLevel): void {
    this.#pressure.set('memory', level === 3 ? 2 : level === 0 ? 0 : 1);
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
    lifecycle.memoryCeiling(ceilingBytesOf(this.#config.memory.maxBytes), leastCeilingBytes(this.#config));
    this.#readiness.start();
    this.#memory.start();
    this.#accounting.start();
    try {
      const adminPort = await this.#admin.start();
      lifecycle.adminListening(this.#config.admin.host, adminPort);
      if (signal.aborted) return;
      this.#devices = this.#openDevices();
      await this.#records.open();
      await this.#alerts?.open();
      const schemas = await schemaIds(this.#config, this.#contracts.schemas, this.#observability, signal);
      if (schemas === undefined || !(await this.#records.connect())) return;
      const mqtt = this.#createMqttServer(schemas);
      this.#mqtt = mqtt;
      mqtt.setPressure(this.#pressure.level);
      mqtt.setMemoryShort(this.#memory.level >= 2);
      this.#observability.watch(...mqttGauges(mqtt));
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
    if (mqtt === undefined) return 0;
    this.#records.hurry();
    const { shutdown: settings } = this.#config;
    const { lifecycle } = this.#observability;
    return drain({ mqtt, settings, lifecycle, settle: (deadlineMs) => this.#records.drain(deadlineMs) });
  }

  /** Takes new rules of alerts, if there are any and they are right. Nothing else is read anew. @param cause for the log. */
  reload(cause: string): void {
    if (this.#alerts === undefined) this.#observability.alerts.rulesRefused(cause, 'alerts are not switched on');
    else this.#alerts.reload(cause);
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

  #createMqttServer(schemas: ReadonlyMap<string, RegisteredSchema>): MqttServer {
    const { listeners, routes, mqtt, deadLetterTopic, eventSource, eventTenant, validation } = this.#config;
    const origin = { source: eventSource, tenant: eventTenant };
    const observability = this.#observability;
    const access = new Access(new RouteTable(routes), defaultCommandTopic);
    const authenticator = this.#createAuthenticator();
    const pipeline = createPipeline({
      routes,
      codecs: this.#contracts.codecs(schemas),
      limits: validation,
      clockObserver: observability.ingest,
      stageObserver: observability.ingest,
      ...origin,
      alerts: this.#alerts?.plan(this.#contracts.recordCodecs(schemas).get(alertRecord) as RecordCodec, origin),
      windows: this.#windows,
      maxRecordBytes: this.#config.kafka.maxBatchBytes - batchOverheadBytes,
    });
    const ingest = new Ingest({
      ...origin,
      pipeline,
      sink: this.#records.sink as RecordSink,
      deadLetterTopic,
      letterCap: new LetterCap(this.#config.deadLetters),
      observer: observability.ingest,
      stageObserver: observability.ingest,
      pressure: () => this.#pressure.level,
    });
    const presence = connectivityOf(this.#config, {
      ...origin,
      codec: this.#contracts.recordCodecs(schemas).get(connectivityRecord),
      sink: this.#records.sink as RecordSink,
      pressure: () => this.#pressure.level,
      observer: observability.connectivity,
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
      presence,
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
    this.#accounting.stop();
    this.#memory.stop();
    await this.#mqtt?.close(farewellMs);
    await this.#records.close();
    await this.#alerts?.close();
    this.#devices?.close();
    await this.#admin.close();
    this.#observability.flush();
  }
}
