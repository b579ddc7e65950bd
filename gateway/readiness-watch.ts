import type { Readiness } from './admin/server.ts';

const checkEveryMs = 1000;

/** Tells when readiness turns. Looked at once a second, as it follows from time passing as well as from events. */
export class ReadinessWatch {
  readonly #readiness: () => Readiness;
  readonly #changed: (readiness: Readiness) => void;
  #lastReasons: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(readiness: () => Readiness, changed: (readiness: Readiness) => void) {
    this.#readiness = readiness;
    this.#changed = changed;
    this.#lastReasons = readiness().reasons.join();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#check(), checkEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    const readiness = this.#readiness();
    const reasons = readiness.reasons.join();
    if (reasons === this.#lastReasons) return;
    this.#lastReasons = reasons;
    this.#changed(readiness);
  }
}
