import { AccountingWatch } from './accounting-watch.ts';
import { publishAccounts } from './accounts.ts';
import { AdminServer } from './admin/server.ts';
import { AdministrationPath } from './administration-path.ts';
import { admissionOf, fleetRateOf } from './admission-of.ts';
import { AlertPath, type ReadableSettings } from './alert-path.ts';
import { authenticatorOf } from './authenticator-of.ts';
import { AuthorizationPath } from './authorization-path.ts';
import { maskConfig } from './config/mask.ts';
import { leastCeilingBytes } from './config/memory-needs.ts';
import type { GatewayConfig } from './config/schema.ts';
import { connectivityOf } from './connectivity-of.ts';
import type { Contracts } from './contract/contract.ts';
import { connectivityRecord, contractsOf } from './contracts-of.ts';
import type { Account } from './core/account.ts';
import type { RegisteredSchema } from './core/codec.ts';
import type { DeviceWindows } from './core/duplicates/device-windows.ts';
import type { Pressure, RecordSink } from './core/record-sink.ts';
import { DevicePath } from './device-path.ts';
import { deviceWindows } from './device-windows.ts';
import { drain } from './drain.ts';
import { type EncryptionPath, encryptionOf, sealing } from './encryption-path.ts';
import { admissionGauges, mqttGauges } from './gauges.ts';
import { HashThreads } from './identity/hash-threads.ts';
import type { TokenVerifier } from './identity/tokens/token-verifier.ts';
import { ingestOf } from './ingest-of.ts';
import { ceilingBytesOf, type MemoryLevel, MemoryWatch } from './memory-watch.ts';
import { defaultLimits } from './mqtt/limits.ts';
import { MqttServer } from './mqtt/server.ts';
import { Observability } from './observability/observability.ts';
import { CombinedPressure } from './pressure.ts';
import { type Condition, ReadinessConditions } from './readiness.ts';
import { RecordPath } from './record-path.ts';
import { schemaIds } from './schema-ids.ts';
import { TlsPath } from './tls-path.ts';
import { tokensOf } from './tokens-of.ts';

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
  readonly #encryption: EncryptionPath | undefined;
  readonly #records: RecordPath;
  readonly #alerts: AlertPath | undefined;
  readonly #tls: TlsPath;
  readonly #devices: DevicePath;
  readonly #hashThreads = new HashThreads();
  readonly #authorization: AuthorizationPath;
  readonly #windows: DeviceWindows | undefined;
  readonly #tokens: TokenVerifier | undefined;
  readonly #administration: AdministrationPath | undefined;
  #mqtt: MqttServer | undefined;

  /**
   * @param settings where `config` came from, for rules of alerts that are exchanged while the gateway runs.
   * @throws {ContractError | RouteError} when message types, schemas and routes do not fit each other.
   * @throws {AlertsError} when the geofences can't be read.
   * @throws {TlsError} when a listener, or administration, could not serve TLS with its files.
   * @throws {RangeError} when the rules of authorization are none.
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
    this.#encryption = encryptionOf(config, this.#observability.encryption);
    this.#records = new RecordPath({
      config,
      keys: this.#encryption?.keys,
      observability: this.#observability,
      signal: this.#stopping.signal,
      onPressure: (level) => this.#pressure.set('records', level),
    });
    this.#alerts = config.alerts.enabled
      ? new AlertPath({ config, observability: this.#observability, settings })
      : undefined;
    this.#tls = new TlsPath(config, this.#observability);
    this.#devices = new DevicePath(config, this.#observability);
    this.#authorization = new AuthorizationPath(config, this.#observability.authorization, settings);
    this.#windows = deviceWindows(config, this.#observability);
    this.#tokens = tokensOf(config, this.#observability);
    this.#administration = AdministrationPath.of(config, this.#observability, {
      registry: () => this.#devices.store,
      endChanged: (deviceId) => this.#devices.endChanged(deviceId),
      sessions: () => this.#mqtt?.liveSessions,
    });
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
      { reason: 'token_keys_missing', holds: () => this.#tokens?.keys.hasKeys === false },
      ...this.#devices.conditions(),
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
      if (!(await this.#devices.open(signal))) return;
      await this.#administration?.open();
      // Not waited for: whoever comes before the keys do waits for them.
      void this.#tokens?.keys.read();
      await this.#encryption?.open();
      await this.#records.open();
      await this.#alerts?.open();
      if (!(await this.#tls.open(signal))) return;
      await this.#authorization.open();
      const schemas = await schemaIds(this.#config, this.#contracts.schemas, this.#observability, signal);
      if (schemas === undefined || !(await this.#records.connect())) return;
      const mqtt = this.#createMqttServer(schemas);
      this.#mqtt = mqtt;
      this.#tls.serve((listener, material) => mqtt.useTls(listener, material));
      this.#devices.serve(mqtt);
      this.#authorization.serve((mayStay) => mqtt.endSubscriptions(mayStay));
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

  /**
   * Takes new files of TLS and new rules of authorization and of alerts, if there are any and they are right, and the keys of
   * tokens as they are now. Nothing else is read anew.
   *
   * @param cause for the log.
   */
  reload(cause: string): void {
    this.#tls.reload(cause);
    this.#authorization.reload(cause);
    this.#encryption?.reload(cause);
    this.#administration?.reload(cause);
    void this.#tokens?.keys.read();
    if (this.#alerts !== undefined) this.#alerts.reload(cause);
    else if (!this.#reloadsOtherFiles) {
      this.#observability.alerts.rulesRefused(cause, 'alerts are not switched on');
    }
  }

  /** Whether there is anything to read anew but rules of alerts. */
  get #reloadsOtherFiles(): boolean {
    const others = [this.#tokens, this.#encryption, this.#administration].some((each) => each !== undefined);
    return others || this.#tls.isUsed || this.#authorization.isOwn;
  }

  /** For an exception that nobody caught: says so before the process ends. */
  crashed(error: unknown): void {
    this.#observability.lifecycle.crashed(error);
    this.#observability.flush();
  }

  #createMqttServer(schemas: ReadonlyMap<string, RegisteredSchema>): MqttServer {
    const config = this.#config;
    const contracts = this.#contracts;
    const observability = this.#observability;
    const { access } = this.#authorization;
    const sink = sealing(config, this.#records.sink as RecordSink, this.#encryption?.keys);
    const pressure = (): Pressure => this.#pressure.level;
    const authenticator = authenticatorOf(config, this.#devices.source, this.#tokens, this.#hashThreads, observability);
    const admission = admissionOf(config, observability.limits);
    observability.watch(...admissionGauges(admission));
    const ingest = ingestOf(config, {
      contracts,
      schemas,
      access,
      alerts: this.#alerts,
      windows: this.#windows,
      sink,
      pressure,
      observability,
    });
    const presence = connectivityOf(config, {
      source: config.eventSource,
      tenant: config.eventTenant,
      codec: contracts.recordCodecs(schemas).get(connectivityRecord),
      sink,
      pressure,
      observer: observability.connectivity,
    });
    return new MqttServer({
      listeners: this.#tls.listeners(),
      limits: {
        ...defaultLimits,
        ...config.mqtt,
        maxInFlightPerConnection: config.mqtt.receiveMaximum,
        overloadReference: config.limits.serverReference,
      },
      admission,
      fleetRate: fleetRateOf(config),
      onFleetRate: (isSpent) => observability.limits.fleetRate(isSpent),
      authenticate: (credentials) => authenticator.authenticate(credentials),
      mayPublish: (identity, topic) => access.refusalOfWill(identity, topic) === undefined,
      maySubscribe: (identity, filter) => access.maySubscribe(identity, filter),
      receive: (publish) => ingest.receive(publish),
      now: Date.now,
      observer: observability.mqtt,
      presence,
    });
  }

  #announce(mqtt: MqttServer): void {
    const { lifecycle } = this.#observability;
    const ports: Record<string, number> = {};
    const exposed = new Set(this.#config.listeners.flatMap((each) => (each.allowPlaintext ? [each.name] : [])));
    for (const address of mqtt.addresses) {
      ports[address.name] = address.port;
      lifecycle.listening(address.name, address, exposed.has(address.name));
    }
    this.#phase = 'running';
    lifecycle.ready(ports, performance.now() - this.#startedAtMs);
  }

  async #close(): Promise<void> {
    await this.#administration?.close();
    this.#tls.close();
    this.#authorization.close();
    this.#encryption?.close();
    this.#readiness.stop();
    this.#accounting.stop();
    this.#memory.stop();
    await this.#mqtt?.close(farewellMs);
    await this.#records.close();
    await this.#alerts?.close();
    this.#tokens?.keys.close();
    await this.#hashThreads.close();
    await this.#devices.close();
    await this.#admin.close();
    this.#observability.flush();
  }
}
