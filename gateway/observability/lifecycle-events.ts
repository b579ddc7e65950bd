import { defectFields, errorFields, type Fields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped';
const states: readonly LifecycleState[] = ['starting', 'running', 'draining', 'stopped'];

/** What happens to the gateway as a whole: one line each. */
export class LifecycleEvents {
  readonly #log: Log;
  #state: LifecycleState = 'starting';

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counter(
      'edge_log_lines_dropped_total',
      'Log lines suppressed, or dropped for want of a reader.',
      () => log.droppedLines,
    );
    metrics.gauge('edge_lifecycle_state', `${states.map((state, index) => `${index}: ${state}`).join(', ')}.`, () =>
      states.indexOf(this.#state),
    );
  }

  /** `settings`: the effective ones, masked. */
  starting(settings: unknown): void {
    this.#state = 'starting';
    this.#log.write('info', 'gateway_starting', 'starting', { settings });
  }

  /** `auth`: `anonymous` is worth a warning each time. */
  listening(listener: string, host: string, port: number, auth: 'registry' | 'anonymous'): void {
    const severity = auth === 'anonymous' ? 'warn' : 'info';
    this.#log.write(severity, 'mqtt_listening', 'devices may connect', { listener, host, port, auth });
  }

  adminListening(host: string, port: number): void {
    this.#log.write('info', 'admin_listening', 'health and metrics are served', { host, port });
  }

  schemaReady(subject: string, id: number): void {
    this.#log.write('info', 'schema_ready', 'the registry has the schema', { subject, id });
  }

  /** What the start waits for and tries again: Kafka, the schema registry. */
  startDelayed(dependency: string, error: unknown): void {
    const fields: Fields = { dependency, ...errorFields(error) };
    this.#log.writeLimited('warn', 'gateway_start_delayed', 'waiting for a server that the start needs', fields);
  }

  /** `listeners`: the port of each by name, as it may have been any free one. */
  ready(listeners: Readonly<Record<string, number>>, durationMs: number): void {
    this.#state = 'running';
    this.#log.write('info', 'gateway_ready', 'ready', { listeners, durationMs });
  }

  /** Written when it turns, or for another reason than before. A drain is ordinary; everything else is worth a look. */
  readinessChanged(ready: boolean, reasons: readonly string[]): void {
    const severity = ready || this.#state === 'draining' ? 'info' : 'warn';
    const text = ready ? 'ready for devices' : 'no further devices should be sent';
    this.#log.write(severity, 'gateway_readiness_changed', text, { ready, reasons });
  }

  startFailed(error: unknown): void {
    this.#log.write('fatal', 'gateway_start_failed', 'could not start', errorFields(error));
  }

  draining(cause: string, deadlineMs: number): void {
    this.#state = 'draining';
    this.#log.write('info', 'gateway_draining', 'draining', { cause, deadlineMs });
  }

  /** `unsettled`: records without an answer when the deadline was over. */
  stopped(unsettled: number, durationMs: number): void {
    this.#state = 'stopped';
    const severity = unsettled > 0 ? 'warn' : 'info';
    this.#log.write(severity, 'gateway_stopped', 'stopped', { unsettled, durationMs });
  }

  /** An exception or rejection that nobody caught: a defect; the process ends. */
  crashed(error: unknown): void {
    this.#log.write('fatal', 'gateway_crashed', 'a defect of the gateway ends the process', defectFields(error));
  }
}
