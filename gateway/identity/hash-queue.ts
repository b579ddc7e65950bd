import { FairQueue } from '../core/limits/fair-queue.ts';

/**
 * Limits how much expensive work runs at once and how much may wait for its turn. Sources take turns, first come first
 * served within each; where there is no room, the one that has most waiting gives way. Known sources have every second turn
 * for themselves, and a queue of their own, as strangers can be as many as they like. So a flood of wrong passwords costs
 * memory and time within limits, and hardly keeps anybody waiting who comes from elsewhere.
 */
export class HashQueue {
  readonly #concurrency: number;
  readonly #known: FairQueue<PromiseWithResolvers<boolean>>;
  readonly #strangers: FairQueue<PromiseWithResolvers<boolean>>;
  #isKnownsTurn = false;
  #running = 0;

  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency;
    this.#known = new FairQueue(maxWaiting);
    this.#strangers = new FairQueue(maxWaiting);
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#known.size + this.#strangers.size;
  }

  /**
   * Runs `work` when it is its turn.
   *
   * @param source who it is for.
   * @param isKnown that is somebody who was right before.
   * @returns undefined, at once or later, without having run it, when there is no room for it (any more).
   */
  run<Result>(work: () => Promise<Result>, source = '', isKnown = false): Promise<Result | undefined> | undefined {
    if (this.#running < this.#concurrency) return this.#start(work);
    const turn = Promise.withResolvers<boolean>();
    const displaced = (isKnown ? this.#known : this.#strangers).push(source, turn);
    if (displaced === turn) return undefined;
    displaced?.resolve(false);
    // The place of the one that ended passes on directly: `running` is not lowered in between.
    return turn.promise.then((isItsTurn) => (isItsTurn ? this.#finish(work) : undefined));
  }

  #start<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    return this.#finish(work);
  }

  async #finish<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#running -= 1;
      else next.resolve(true);
    }
  }

  #next(): PromiseWithResolvers<boolean> | undefined {
    this.#isKnownsTurn = !this.#isKnownsTurn;
    const [first, second] = this.#isKnownsTurn ? [this.#known, this.#strangers] : [this.#strangers, this.#known];
    return first.shift() ?? second.shift();
  }
}
