import { readFences } from './alerts/fences-file.ts';
import { StateStore } from './alerts/state-store.ts';
import { describeConfigError } from './config/errors.ts';
import type { ConfigResult } from './config/load.ts';
import type { GatewayConfig } from './config/schema.ts';
import { AlertRecordEncoder } from './core/alerts/alert-record.ts';
import { Alerting } from './core/alerts/alerting.ts';
import type { AlertPlan } from './core/alerts/append-alerts.ts';
import { compileRules } from './core/alerts/compile.ts';
import type { Rule } from './core/alerts/rules/rule.ts';
import { TrackedVehicles } from './core/alerts/state/tracked-vehicles.ts';
import type { RecordCodec } from './core/codec.ts';
import type { RecordOrigin } from './core/headers/common-headers.ts';
import { FileWatch } from './files/file-watch.ts';
import type { Observability } from './observability/observability.ts';

/** The settings as a file, which may change while the gateway runs. */
export interface ReadableSettings {
  /** Path of the file; undefined when they come from the environment alone. */
  readonly file: string | undefined;
  /** Reads and checks them anew. */
  readonly read: () => ConfigResult;
}

export interface AlertPathOptions {
  readonly config: GatewayConfig;
  readonly observability: Observability;
  /** Where new rules come from; without it they stay as they are. */
  readonly settings?: ReadableSettings | undefined;
}

/** What derives alerts: rules that can be exchanged, and states of vehicles that outlive the process. Only where it is on. */
export class AlertPath {
  readonly #options: AlertPathOptions;
  readonly #vehicles: TrackedVehicles;
  readonly #alerting: Alerting;
  readonly #watch: FileWatch;
  #alerts: GatewayConfig['alerts'];
  #store: StateStore | undefined;

  /** @throws {AlertsError} when the geofences can't be read. */
  constructor(options: AlertPathOptions) {
    this.#options = options;
    const { alerts } = options.config;
    this.#alerts = alerts;
    this.#watch = new FileWatch(
      () => this.#files(),
      (paths) => this.reload(paths.join(', ')),
    );
    // Before they are read: a start may take minutes, and what is replaced meanwhile must be noticed.
    this.#watch.mark();
    this.#vehicles = new TrackedVehicles(alerts.maxVehicles);
    this.#alerting = new Alerting({
      rules: this.#loadRules('start', alerts),
      vehicles: this.#vehicles,
      observer: options.observability.alerts,
      keep: (vehicle) => this.#store?.keep(vehicle),
    });
  }

  /** Restores the states, and watches the files of rules from now on. @throws {AlertsError} */
  async open(): Promise<void> {
    const { observability, settings } = this.#options;
    const { state, watchSeconds } = this.#alerts;
    if (state.directory !== '') {
      this.#store = await StateStore.open({
        directory: state.directory,
        snapshotMs: state.snapshotSeconds * 1000,
        vehicles: this.#vehicles,
        observer: observability.alerts,
      });
    }
    observability.watch(...this.#gauges());
    if (settings !== undefined && watchSeconds > 0) await this.#watch.start(watchSeconds * 1000);
  }

  plan(codec: RecordCodec, origin: RecordOrigin): AlertPlan {
    return {
      alerting: this.#alerting,
      kafkaTopic: this.#alerts.topic,
      encoder: new AlertRecordEncoder(codec, origin),
    };
  }

  /**
   * Takes the rules of the settings as they are now, if all of these are right; else those before stay. Connections and
   * the states of vehicles are not touched.
   *
   * @param cause for the log: a signal, or the files that changed.
   */
  reload(cause: string): void {
    const problem = this.#tryReload(cause);
    if (problem !== undefined) this.#options.observability.alerts.rulesRefused(cause, problem);
  }

  /** @returns why the rules were not taken; undefined when they were. */
  #tryReload(cause: string): string | undefined {
    const result = this.#options.settings?.read();
    if (result === undefined) return 'there are no settings to be read again';
    if (!result.ok) return result.errors.map(describeConfigError).join('\n');
    const { alerts } = result.config;
    try {
      this.#alerting.rules = this.#loadRules(cause, alerts);
      this.#alerts = { ...this.#alerts, ...ruleSettings(alerts) };
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** What publishes are still to change has been settled: writes the states for the next process. */
  async close(): Promise<void> {
    this.#watch.stop();
    await this.#store?.close();
  }

  #loadRules(cause: string, alerts: GatewayConfig['alerts']): readonly Rule[] {
    const startedAtMs = performance.now();
    const fences = readFences(alerts.geofences.path, alerts.geofences);
    const rules = compileRules(alerts, fences);
    const durationMs = performance.now() - startedAtMs;
    this.#options.observability.alerts.rulesLoaded(cause, rules.length, fences.length, durationMs);
    return rules;
  }

  #files(): readonly string[] {
    const { path } = this.#alerts.geofences;
    return [this.#options.settings?.file, path].filter((each) => each !== undefined);
  }

  #gauges() {
    return [
      { name: 'edge_alert_vehicles', help: 'Vehicles whose state is kept.', read: () => this.#vehicles.size },
      {
        name: 'edge_alert_vehicles_forgotten',
        help: 'Vehicles that were forgotten since the start for want of room (alerts.maxVehicles).',
        read: () => this.#vehicles.evicted,
      },
      {
        name: 'edge_alert_snapshot_age_seconds',
        help: 'Time since the states of all vehicles were last on the disk; NaN where they are not kept.',
        read: () => (this.#store?.snapshotAgeMs ?? Number.NaN) / 1000,
      },
    ];
  }
}

/** What applies without a restart. */
const ruleSettings = ({ lowBattery, geofences, faultCodes, odometerService, suddenStop }: GatewayConfig['alerts']) => ({
  lowBattery,
  geofences,
  faultCodes,
  odometerService,
  suddenStop,
});
