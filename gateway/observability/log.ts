import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { printable } from '../core/printable.ts';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
type Severity = Exclude<LogLevel, 'silent'>;
export type Fields = Readonly<Record<string, unknown>>;

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go, one JSON object each; standard output by default. */
  readonly stream?: DestinationStream;
  /** Milliseconds that never jump. */
  readonly monotonicMs?: () => number;
}

/** Lines of one event per window; who connects and fails in a loop fills neither the disk nor the event loop. */
const windowMs = 10_000;
const linesPerWindow = 20;
/** Lines that wait for a reader of standard output that has stopped reading; more are dropped, and counted. */
const mostBufferedBytes = 1_048_576;
const longestText = 128;

interface Window {
  endsAtMs: number;
  lines: number;
  suppressed: number;
}

/** Writes structured lines; each carries the stable name of its event as `event`. */
export class Log {
  readonly #logger: Logger;
  readonly #stream: DestinationStream;
  readonly #monotonicMs: () => number;
  readonly #windows = new Map<string, Window>();
  /** Lines that were not written: too many of one event, or nobody reads standard output. */
  droppedLines = 0;

  constructor({ level, stream, monotonicMs = () => performance.now() }: LogOptions) {
    this.#stream = stream ?? this.#standardOutput();
    this.#monotonicMs = monotonicMs;
    const formatters = { level: (label: string) => ({ level: label }) };
    const lines = { write: (line: string): void => this.#stream.write(printable(line)) };
    this.#logger = pino({ level, formatters, timestamp: stdTimeFunctions.isoTime }, lines);
  }

  /** Least severe level that is written; it may be changed at any time. */
  get level(): LogLevel {
    return this.#logger.level as LogLevel;
  }

  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  /** For events that only the operator or the servers beside the gateway can cause. */
  write(severity: Severity, event: string, message: string, fields: Fields = {}): void {
    this.#logger[severity]({ event, ...fields }, message);
  }

  /**
   * For events that anybody on the network can cause at will. The first lines of a window are written; the first line
   * after it says how many were suppressed. Metrics count them all.
   */
  writeLimited(severity: Severity, event: string, message: string, fields: Fields = {}): void {
    if (!this.#logger.isLevelEnabled(severity)) return;
    const now = this.#monotonicMs();
    const before = this.#windows.get(event);
    if (before !== undefined && now < before.endsAtMs) {
      before.lines += 1;
      if (before.lines > linesPerWindow) {
        before.suppressed += 1;
        this.droppedLines += 1;
        return;
      }
      this.write(severity, event, message, fields);
      return;
    }
    this.#windows.set(event, { endsAtMs: now + windowMs, lines: 1, suppressed: 0 });
    const suppressed = before?.suppressed ?? 0;
    this.write(severity, event, message, suppressed > 0 ? { ...fields, suppressed } : fields);
  }

  /** Writes out what a stream that buffers still holds; standard output takes lines at once, while somebody reads it. */
  flush(): void {
    if ('flushSync' in this.#stream && typeof this.#stream.flushSync === 'function') this.#stream.flushSync();
  }

  /**
   * Node writes to a pipe at once as long as there is room, and buffers what finds none: nothing ever blocks, and a line
   * before `process.exit` is not lost. pino's own destination either blocks, or hands lines to a thread and, when asked
   * to flush into a closed pipe or onto a full disk, tries for ever.
   */
  #standardOutput(): DestinationStream {
    const { stdout } = process;
    if (!stdout.listeners('error').includes(ignore)) stdout.on('error', ignore);
    const onWritten = (error?: Error | null) => {
      if (error) this.droppedLines += 1;
    };
    return {
      write: (line) => {
        if (stdout.writableLength > mostBufferedBytes) this.droppedLines += 1;
        else stdout.write(line, onWritten);
      },
    };
  }
}

/** Without a listener, a closed pipe or a full disk would end the process; the lines are counted where they are written. */
const ignore = (): void => {};

/** A text of a stranger, cut to a bearable length. */
export const clip = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText)}…`);

/**
 * What a log line says of an error: its kind, code and text, never more. The stack only where there is no code: an
 * error with a code was foreseen, and its text says what to do; one without is a defect, to be looked for in the code.
 */
export const errorFields = (error: unknown): Fields => {
  if (!(error instanceof Error)) return { error: { message: String(error) } };
  const { name, message } = error;
  return { error: 'code' in error ? { name, code: error.code, message } : { name, message, stack: error.stack } };
};

/** As `errorFields`, with the stack in any case: nobody caught it, so it was not foreseen where it happened. */
export const defectFields = (error: unknown): Fields =>
  error instanceof Error
    ? {
        error: {
          name: error.name,
          code: 'code' in error ? error.code : undefined,
          message: error.message,
          stack: error.stack,
        },
      }
    : errorFields(error);
