import { defectFields, errorFields, type Fields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped';
const states: readonly LifecycleState[] = ['starting', 'running', 'draining', 'stopped'];

interface ListeningOn {
  readonly host: string;
  readonly port: number;
  readonly auth: 'registry' | 'anonymous';
  readonly isSecure: boolean;
  readonly transport: 'tcp' | 'websocket';
}

/** What is used, and the limit of each: whichever is nearer to its own makes the level. */
export interface MemoryFigures {
  readonly residentBytes: number;
  readonly ceilingBytes: number;
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
}

/** What happens to the gateway as a whole: one line each. */
export class LifecycleEvents {
  readonly #log: Log;
  #state: LifecycleState = 'starting';
  #ceilingBytes = 0;
  #memoryLevel = 0;
  #memoryAlarms = 0;
  #memoryCutOff = 0;

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
    metrics.gauge('edge_memory_ceiling_bytes', 'Resident memory that must not be exceeded.', () => this.#ceilingBytes);
    metrics.gauge(
      'edge_memory_level',
      '0: far from the ceiling; 1: devices are held back; 2: new connections are refused, too; 3: nothing is read, the heaviest connections are cut off.',
      () => this.#memoryLevel,
    );
    metrics.counter(
      'edge_memory_alarms_total',
      'Times that the memory came nearer to its ceiling by a level.',
      () => this.#memoryAlarms,
    );
    metrics.counter('edge_memory_cut_off_total', 'Connections ended to free memory.', () => this.#memoryCutOff);
  }

  /** `settings`: the effective ones, masked. */
  starting(settings: unknown): void {
    this.#state = 'starting';
    this.#log.write('info', 'gateway_starting', 'starting', { settings });
  }

  /** `auth`: `anonymous` is worth a warning each time; so is plain text, where somebody could read it on the way. */
  listening(listener: string, { host, port, auth, isSecure, transport }: ListeningOn, isExposed: boolean): void {
    const severity = auth === 'anonymous' || isExposed ? 'warn' : 'info';
    const text = isExposed ? 'devices may connect, in plain text, over a network' : 'devices may connect';
    this.#log.write(severity, 'mqtt_listening', text, { listener, host, port, auth, tls: isSecure, transport });
  }

  adminListening(host: string, port: number): void {
    this.#log.write('info', 'admin_listening', 'health and metrics are served', { host, port });
  }

  schemaReady(subject: string, id: number | string): void {
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

  /** One step of the drain is over: how long it took, and what it came to. */
  drainStep(step: string, durationMs: number, figures: object): void {
    this.#log.write('info', 'gateway_drain_step', 'a step of the drain is over', { step, durationMs, ...figures });
  }

  /** At the start: where the ceiling is, and what the limits could add up to at the most that is planned. */
  memoryCeiling(ceilingBytes: number, leastCeilingBytes: number): void {
    this.#ceilingBytes = ceilingBytes;
    const isTight = ceilingBytes < leastCeilingBytes;
    const text = isTight
      ? 'the limits add up to more memory than there is: near the ceiling devices will be held back, then refused'
      : 'the ceiling of the memory';
    this.#log.write(isTight ? 'warn' : 'info', 'gateway_memory_ceiling', text, { ceilingBytes, leastCeilingBytes });
  }

  /** The memory is nearer to its ceiling than before, or further from it: levels 0 to 3. */
  memoryLevelChanged(level: number, figures: MemoryFigures): void {
    if (level > this.#memoryLevel) this.#memoryAlarms += 1;
    this.#memoryLevel = level;
    const severity = level === 0 ? 'info' : level === 3 ? 'error' : 'warn';
    const fields = { level, ...figures };
    this.#log.writeLimited(severity, 'gateway_memory_level_changed', 'distance to the memory ceiling', fields);
  }

  /** Nothing else helped: connections that held most were ended. */
  memoryReclaimed(connections: number, excessBytes: number): void {
    this.#memoryCutOff += connections;
    const fields = { connections, excessBytes };
    this.#log.writeLimited('error', 'gateway_memory_reclaimed', 'connections were cut off to free memory', fields);
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
