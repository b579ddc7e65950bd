import { type AuditOutcome, auditOutcomes } from '../administration/audit/audit-record.ts';
import type { AdministrationObserver, Denial } from '../administration/observer.ts';
import { errorFields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** What happens in the administration API. The audit records say who did what; this says how it fares. */
export class AdministrationEvents implements AdministrationObserver {
  readonly #log: Log;
  readonly #answers = new Tally<number>('status');
  readonly #denials = new Tally<Denial>('reason', ['no_token', 'unknown_token', 'insufficient_scope']);
  readonly #records = new Tally<AuditOutcome>('outcome', auditOutcomes);
  readonly #sent = new Tally<string>('outcome', ['written', 'lost']);
  #failures = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters('edge_administration_requests_total', 'Requests answered, by status.', ['status'], () =>
      this.#answers.samples(),
    );
    metrics.counters('edge_administration_denied_total', 'Requests that were denied, by why.', ['reason'], () =>
      this.#denials.samples(),
    );
    metrics.counters('edge_audit_records_total', 'Audit records in the file, by outcome.', ['outcome'], () =>
      this.#records.samples(),
    );
    metrics.counter(
      'edge_audit_failures_total',
      'Audit records that could not be written; changes are refused meanwhile.',
      () => this.#failures,
    );
    metrics.counters(
      'edge_audit_kafka_records_total',
      'Audit records for Kafka: written, or lost to it and in the file only.',
      ['outcome'],
      () => this.#sent.samples(),
    );
  }

  /** `isExposed`: in plain text, where somebody could read it on the way. */
  listening(host: string, port: number, isSecure: boolean, isExposed: boolean): void {
    const text = isExposed ? 'administration is served, in plain text, over a network' : 'administration is served';
    this.#log.write(isExposed ? 'warn' : 'info', 'administration_listening', text, { host, port, tls: isSecure });
  }

  answered(status: number): void {
    this.#answers.add(status);
  }

  denied(reason: Denial, remoteAddress: string): void {
    this.#denials.add(reason);
    this.#log.writeLimited('warn', 'administration_denied', 'a request was denied', { reason, remoteAddress });
  }

  failed(requestId: string, error: unknown): void {
    const fields = { requestId, ...errorFields(error) };
    this.#log.writeLimited('error', 'administration_failed', 'a request could not be served', fields);
  }

  auditWritten(outcome: AuditOutcome): void {
    this.#records.add(outcome);
  }

  auditFailed(error: unknown): void {
    this.#failures += 1;
    const text = 'an audit record could not be written; changes are refused until one can';
    this.#log.writeLimited('error', 'audit_failed', text, errorFields(error));
  }

  auditSent(isWritten: boolean): void {
    this.#sent.add(isWritten ? 'written' : 'lost');
    if (isWritten) return;
    this.#log.writeLimited('warn', 'audit_record_lost', 'an audit record did not get to Kafka; the file has it');
  }

  logLevelChanged(level: string, before: string, untilMs: number | undefined): void {
    const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
    this.#log.write('warn', 'log_level_changed', 'the level of the log was changed', {
      to: level,
      from: before,
      until,
    });
  }
}
