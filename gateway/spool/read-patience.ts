import { isMediumError } from './read-around.ts';

/** For so long, and so many times, before what the disk does not give away is damage. */
const patience = { ms: 5000, tries: 10 } as const;

/** How often and for how long the disk has been asked in vain for the same place. */
export class ReadPatience {
  readonly #monotonicMs: () => number;
  #failing: { readonly sinceMs: number; mediumErrors: number } | undefined;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  get isFailing(): boolean {
    return this.#failing !== undefined;
  }

  /** Whether it is over. For errors of the medium only: others pass when somebody sees to them. */
  get isOver(): boolean {
    if (this.#failing === undefined || this.#failing.mediumErrors < patience.tries) return false;
    return this.#monotonicMs() - this.#failing.sinceMs >= patience.ms;
  }

  /** @returns whether `isFailing` has changed. */
  failed(error: unknown): boolean {
    const isFirst = this.#failing === undefined;
    this.#failing ??= { sinceMs: this.#monotonicMs(), mediumErrors: 0 };
    if (isMediumError(error)) this.#failing.mediumErrors += 1;
    return isFirst;
  }

  /** @returns whether `isFailing` has changed. */
  succeeded(): boolean {
    const wasFailing = this.isFailing;
    this.#failing = undefined;
    return wasFailing;
  }
}
