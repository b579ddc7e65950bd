import { collectDefaultMetrics } from 'prom-client';
import { AccountingEvents } from './accounting-events.ts';
import { AdministrationEvents } from './administration-events.ts';
import { AlertEvents } from './alert-events.ts';
import { AuditCopyEvents } from './audit-copy-events.ts';
import { AuthorizationEvents } from './authorization-events.ts';
import { ConnectivityEvents } from './connectivity-events.ts';
import { EncryptionEvents } from './encryption-events.ts';
import { IdentityEvents } from './identity-events.ts';
import { IngestEvents } from './ingest-events.ts';
import { KafkaEvents } from './kafka-events.ts';
import { LifecycleEvents } from './lifecycle-events.ts';
import { LimitsEvents } from './limits-events.ts';
import { Log, type LogLevel, type LogOptions } from './log.ts';
import { Metrics } from './metrics.ts';
import { MqttEvents } from './mqtt-events.ts';
import { RegistryEvents } from './registry-events.ts';
import { SequenceEvents } from './sequence-events.ts';
import { SpoolEvents } from './spool-events.ts';
import { TlsEvents } from './tls-events.ts';
import { TokenEvents } from './token-events.ts';
import { TransportEvents } from './transport-events.ts';

export interface ObservabilityOptions extends LogOptions {
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly nowMs?: () => number;
  /** Figures of the Node process itself, the delay of the event loop among them. Default: true. */
  readonly processMetrics?: boolean;
}

/** A figure that somebody else keeps and that is read when `/metrics` is asked for. */
export interface ReadGauge {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** All events of the gateway: each function of these objects is one event, its log line and its metric. */
export class Observability {
  readonly ingest: IngestEvents;
  readonly sequences: SequenceEvents;
  readonly accounting: AccountingEvents;
  readonly alerts: AlertEvents;
  readonly mqtt: MqttEvents;
  readonly limits: LimitsEvents;
  readonly tls: TlsEvents;
  readonly transport: TransportEvents;
  readonly connectivity: ConnectivityEvents;
  readonly kafka: KafkaEvents;
  readonly spool: SpoolEvents;
  readonly encryption: EncryptionEvents;
  readonly identity: IdentityEvents;
  readonly registry: RegistryEvents;
  readonly authorization: AuthorizationEvents;
  readonly tokens: TokenEvents;
  readonly lifecycle: LifecycleEvents;
  readonly administration: AdministrationEvents;
  readonly auditCopies: AuditCopyEvents;
  readonly #log: Log;
  readonly #metrics = new Metrics();

  constructor(options: ObservabilityOptions) {
    const { nowMs = Date.now, processMetrics = true } = options;
    this.#log = new Log(options);
    this.ingest = new IngestEvents(this.#log, this.#metrics, nowMs);
    this.sequences = new SequenceEvents(this.#log, this.#metrics);
    this.accounting = new AccountingEvents(this.#log, this.#metrics);
    this.alerts = new AlertEvents(this.#log, this.#metrics);
    this.mqtt = new MqttEvents(this.#log, this.#metrics);
    this.limits = new LimitsEvents(this.#log, this.#metrics);
    this.tls = new TlsEvents(this.#log, this.#metrics);
    this.transport = new TransportEvents(this.#log, this.#metrics);
    this.connectivity = new ConnectivityEvents(this.#log, this.#metrics);
    this.kafka = new KafkaEvents(this.#log, this.#metrics);
    this.spool = new SpoolEvents(this.#log, this.#metrics);
    this.encryption = new EncryptionEvents(this.#log, this.#metrics);
    this.identity = new IdentityEvents(this.#log, this.#metrics);
    this.registry = new RegistryEvents(this.#log, this.#metrics, this.identity);
    this.authorization = new AuthorizationEvents(this.#log, this.#metrics);
    this.tokens = new TokenEvents(this.#log, this.#metrics);
    this.lifecycle = new LifecycleEvents(this.#log, this.#metrics);
    this.administration = new AdministrationEvents(this.#log, this.#metrics);
    this.auditCopies = new AuditCopyEvents(this.#log, this.#metrics);
    if (processMetrics) collectDefaultMetrics({ register: this.#metrics.registry });
  }

  /** Whose level can be changed while the gateway runs. */
  get log(): { level: LogLevel } {
    return this.#log;
  }

  /** Exports figures that other parts keep: unsettled records, connections that wait for a hash. */
  watch(...gauges: readonly ReadGauge[]): void {
    for (const { name, help, read } of gauges) this.#metrics.gauge(name, help, read);
  }

  /** Exports whether devices should be sent, and by reason whether it speaks against that. */
  watchReadiness(states: () => Iterable<readonly [reason: string, counts: boolean]>): void {
    const all = (): (readonly [string, boolean])[] => [...states()];
    this.#metrics.gauge('edge_ready', '1: further devices may be sent.', () =>
      all().some(([, counts]) => counts) ? 0 : 1,
    );
    this.#metrics.gauges('edge_not_ready', '1: this speaks against sending further devices.', ['reason'], () =>
      all().map(([reason, counts]) => [{ reason }, counts ? 1 : 0]),
    );
  }

  /** In the text format of Prometheus. */
  metricsText(): Promise<string> {
    return this.#metrics.registry.metrics();
  }

  get metricsContentType(): string {
    return this.#metrics.registry.contentType;
  }

  /** Writes out buffered log lines; before the process exits. */
  flush(): void {
    this.#log.flush();
  }
}
