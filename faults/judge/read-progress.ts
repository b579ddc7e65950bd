import { JudgeError, type JudgeErrorCode } from './judge-error.ts';

/** By topic: where each partition begins and ends. */
export type TopicBounds = ReadonlyMap<string, ReadonlyMap<number, { readonly low: number; readonly high: number }>>;

interface Place {
  /** Offset of the next record to be taken. */
  next: number;
  readonly end: number;
}

/** How far each partition has been read. */
export class ReadProgress {
  /** Resolves when every partition has been read to its end; rejects with a `JudgeError` after `fail`. */
  readonly done: Promise<void>;
  readonly inAll: number;
  readonly #places = new Map<string, Map<number, Place>>();
  readonly #finish: () => void;
  readonly #refuse: (error: JudgeError) => void;
  #advancedAtMs = performance.now();

  constructor(bounds: TopicBounds) {
    for (const [topic, partitions] of bounds) {
      const places = [...partitions].map(
        ([partition, { low, high }]) => [partition, { next: low, end: high }] as const,
      );
      this.#places.set(topic, new Map(places));
    }
    this.inAll = this.#left();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finish = resolve;
    this.#refuse = reject;
    // Whoever waits hears of it; nobody may be waiting yet.
    promise.catch(() => undefined);
    if (this.inAll === 0) resolve();
  }

  /** Records that have been read. */
  get read(): number {
    return this.inAll - this.#left();
  }

  get isDone(): boolean {
    return this.#left() === 0;
  }

  /**
   * Whether the record at this offset is to be judged: within the bounds, and not taken before. A consumer that lost its
   * group begins anew, from the beginning, because nothing is committed; what it hands out twice is not a duplicate.
   */
  take(topic: string, partition: number, offset: number): boolean {
    const place = this.#places.get(topic)?.get(partition);
    if (!place || offset < place.next || offset >= place.end) return false;
    place.next = offset + 1;
    return true;
  }

  /** Everything before this offset has been handed out, also where offsets belong to no record. */
  advance(topic: string, partition: number, nextOffset: number): void {
    const place = this.#places.get(topic)?.get(partition);
    if (!place || nextOffset < place.next) return;
    place.next = Math.min(nextOffset, place.end);
    this.#advancedAtMs = performance.now();
    if (this.isDone) this.#finish();
  }

  checkStall(limitMs: number): void {
    if (performance.now() - this.#advancedAtMs < limitMs) return;
    this.fail('stalled', new Error(`nothing was read for ${limitMs} ms, ${this.#left()} records are left`));
  }

  fail(code: JudgeErrorCode, cause: Error): void {
    this.#refuse(new JudgeError(code, cause.message, { cause }));
  }

  #left(): number {
    let left = 0;
    for (const places of this.#places.values()) {
      for (const { next, end } of places.values()) left += Math.max(0, end - next);
    }
    return left;
  }
}
