/**
 * Limits how much expensive work runs at once and how much may wait for its turn, first come first served. Full means
 * refused at once, so that a flood of wrong passwords costs memory and time within limits.
 */
export class HashQueue {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `work` when it is its turn; undefined, without running it, when the queue is full. */
  run<Result>(work: () => Promise<Result>): Promise<Result> | undefined {
    if (this.#running < this.#concurrency) return this.#start(work);
    if (this.#waiting.length >= this.#maxWaiting) return undefined;
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn.resolve);
    // The place of the one that ended passes on directly: `running` is not lowered in between.
    return turn.promise.then(() => this.#finish(work));
  }

  #start<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    return this.#finish(work);
  }

  async #finish<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
