import type { AlertFilesObserver } from '../alerts/observer.ts';
import { type Alert, type AlertChange, alertChanges } from '../core/alerts/alert.ts';
import type { AlertObserver } from '../core/alerts/alerting.ts';
import { errorFields, type Log } from './log.ts';
import type { Metrics, Sample } from './metrics.ts';
import { Tally } from './tally.ts';

/** What is configured as a rule of its own is counted by itself, although consumers see two of them under one name. */
const rules = ['low_battery', 'geofence_violation', 'fault_codes', 'odometer_service', 'sudden_stop'] as const;
type RuleLabel = (typeof rules)[number];
type Kind = `${RuleLabel} ${AlertChange}`;
const kinds: readonly Kind[] = rules.flatMap((rule) => alertChanges.map((change): Kind => `${rule} ${change}`));

function kindOf({ finding, change }: Alert): Kind {
  if (finding.rule !== 'maintenance_required') return `${finding.rule} ${change}`;
  return `${finding.cause === 'fault_codes' ? 'fault_codes' : 'odometer_service'} ${change}`;
}

/** Every event of alerts. What states there are is exported by whoever keeps them. */
export class AlertEvents implements AlertObserver, AlertFilesObserver {
  readonly #log: Log;
  readonly #derived = new Tally<Kind>('kind', kinds);
  readonly #durable = new Tally<Kind>('kind', kinds);
  readonly #reloads = new Tally<string>('result', ['taken', 'refused']);
  #takenBack = 0;
  #rules = 0;
  #fences = 0;
  #damagedFiles = 0;
  #writeFailures = 0;
  #snapshots = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportAlerts(metrics);
    this.#exportFiles(metrics);
  }

  derived(alert: Alert): void {
    this.#derived.add(kindOf(alert));
  }

  durable(alert: Alert): void {
    this.#durable.add(kindOf(alert));
  }

  takenBack(): void {
    this.#takenBack += 1;
  }

  rulesLoaded(cause: string, rules: number, fences: number, durationMs: number): void {
    this.#rules = rules;
    this.#fences = fences;
    if (cause !== 'start') this.#reloads.add('taken');
    this.#log.write('info', 'alert_rules_loaded', 'these rules of alerts apply', { cause, rules, fences, durationMs });
  }

  rulesRefused(cause: string, problem: string): void {
    this.#reloads.add('refused');
    const text = 'the new rules of alerts were not taken; those before still apply';
    this.#log.writeLimited('error', 'alert_rules_refused', text, { cause, problem });
  }

  statesRestored(vehicles: number, bytes: number, durationMs: number): void {
    const text = 'what the rules of alerts remember of vehicles is back';
    this.#log.write('info', 'alert_states_restored', text, { vehicles, bytes, durationMs });
  }

  statesDamaged(file: string): void {
    this.#damagedFiles += 1;
    const text = 'the states of vehicles cannot be read: conditions that still hold will be raised once more';
    this.#log.write('error', 'alert_states_damaged', text, { file });
  }

  snapshotWritten(vehicles: number, bytes: number, durationMs: number): void {
    this.#snapshots += 1;
    this.#log.write('debug', 'alert_snapshot_written', 'the states of vehicles', { vehicles, bytes, durationMs });
  }

  stateWriteFailed(error: unknown): void {
    this.#writeFailures += 1;
    const text = 'the states of vehicles cannot be written; the next snapshot tries again';
    this.#log.writeLimited('error', 'alert_state_write_failed', text, errorFields(error));
  }

  #exportAlerts(metrics: Metrics): void {
    const labels = ['rule', 'change'];
    metrics.counters(
      'edge_alerts_derived_total',
      'Alerts written in one publish with the event that caused them.',
      labels,
      () => byRuleAndChange(this.#derived),
    );
    metrics.counters('edge_alerts_durable_total', 'Alerts that are durable, with their cause.', labels, () =>
      byRuleAndChange(this.#durable),
    );
    metrics.counter(
      'edge_alert_states_taken_back_total',
      'States of vehicles taken back, as a record was refused for good or dropped at shutdown.',
      () => this.#takenBack,
    );
    metrics.gauge('edge_alert_rules', 'Rules that apply.', () => this.#rules);
    metrics.gauge('edge_alert_fences', 'Geofences that apply.', () => this.#fences);
    metrics.counters('edge_alert_rule_reloads_total', 'New rules, by whether they were taken.', ['result'], () =>
      this.#reloads.samples(),
    );
  }

  #exportFiles(metrics: Metrics): void {
    metrics.counter('edge_alert_snapshots_total', 'Snapshots of all states written.', () => this.#snapshots);
    metrics.counter(
      'edge_alert_state_write_failures_total',
      'Times that states could not be written.',
      () => this.#writeFailures,
    );
    metrics.counter(
      'edge_alert_state_files_damaged_total',
      'Files of states that could not be read at the start.',
      () => this.#damagedFiles,
    );
  }
}

function* byRuleAndChange(tally: Tally<Kind>): Generator<Sample> {
  for (const kind of kinds) {
    const [rule = '', change = ''] = kind.split(' ');
    yield [{ rule, change }, tally.of(kind)];
  }
}
