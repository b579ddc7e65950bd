import type { AdministrationObserver } from './observer.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type Level = (typeof logLevels)[number];

/** Whose level it is. */
export interface Leveled {
  level: Level;
}

export interface LevelState {
  readonly level: Level;
  /** That of the configuration, which a restart brings back. */
  readonly configured: Level;
  /** When it is set back to that, milliseconds since the epoch; undefined: not by itself. */
  readonly untilMs: number | undefined;
}

const talkativeness = (level: Level): number => (level === 'silent' ? -1 : logLevels.indexOf(level));

/** The level of the log, which may be another one for a while. */
export class LogLevelControl {
  readonly #log: Leveled;
  readonly #configured: Level;
  readonly #observer: AdministrationObserver;
  #untilMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Leveled, observer: AdministrationObserver) {
    this.#log = log;
    this.#configured = log.level;
    this.#observer = observer;
  }

  get state(): LevelState {
    return { level: this.#log.level, configured: this.#configured, untilMs: this.#untilMs };
  }

  /** @param forSeconds how long, then the configured level is back; undefined: until it is set again, or a restart. */
  set(level: Level, forSeconds: number | undefined, nowMs: number): LevelState {
    clearTimeout(this.#timer);
    this.#untilMs = forSeconds === undefined ? undefined : nowMs + forSeconds * 1000;
    this.#change(level);
    if (forSeconds !== undefined) {
      this.#timer = setTimeout(() => this.#setBack(), forSeconds * 1000);
      this.#timer.unref();
    }
    return this.state;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #setBack(): void {
    this.#untilMs = undefined;
    this.#change(this.#configured);
  }

  /** Told while the more talkative of the two levels is in force, so that it is seen. */
  #change(level: Level): void {
    const before = this.#log.level;
    if (talkativeness(level) > talkativeness(before)) this.#log.level = level;
    this.#observer.logLevelChanged(level, before, this.#untilMs);
    this.#log.level = level;
  }
}
