import type { SealedBatch } from '../record-batch/sealed-batch.ts';

/**
 * The sealed batches of a lane, in their order, the first of them possibly in flight; and a barrier between two of them
 * while keys move to other partitions (see `TopicLanes`): what is behind it waits.
 */
export class SealedQueue {
  readonly #batches: SealedBatch[] = [];
  /** Batches in front of the barrier; undefined without one. */
  #ahead: number | undefined;

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  get first(): SealedBatch | undefined {
    return this.#batches[0];
  }

  /** Nothing in front of the barrier: the first batch, if there is one, has to wait. */
  get isBlocked(): boolean {
    return this.#ahead === 0;
  }

  /** There are batches in front of the barrier. */
  get hasAhead(): boolean {
    return this.#ahead !== undefined && this.#ahead > 0;
  }

  /** Records that an unanswered attempt may have stored: doubled, if they are stamped anew. */
  get possibleDuplicates(): number {
    // More than the first batch only when these are parts of one that was split after such an attempt.
    return this.#batches.reduce((sum, { mayBeStored, records }) => (mayBeStored ? sum + records : sum), 0);
  }

  push(batch: SealedBatch): void {
    this.#batches.push(batch);
  }

  /** Takes the first batch out. Only when there is one. */
  shift(): SealedBatch {
    if (this.#ahead !== undefined) this.#ahead -= 1;
    return this.#batches.shift() as SealedBatch;
  }

  /** Puts these in the place of the first batch. */
  replaceFirst(parts: readonly SealedBatch[]): void {
    this.#batches.splice(0, 1, ...parts);
    if (this.#ahead !== undefined) this.#ahead += parts.length - 1;
  }

  /** What is in front of the barrier, or behind it; without one all is behind. */
  at(place: 'ahead' | 'behind'): readonly SealedBatch[] {
    const ahead = this.#ahead ?? 0;
    return place === 'ahead' ? this.#batches.slice(0, ahead) : this.#batches.slice(ahead);
  }

  /** What comes from now on is behind the barrier. */
  raiseBarrier(): void {
    this.#ahead = this.#batches.length;
  }

  liftBarrier(): void {
    this.#ahead = undefined;
  }

  /** Gives away everything, and the barrier goes with it; without one all is behind. */
  takeAll(): { ahead: SealedBatch[]; behind: SealedBatch[] } {
    const behind = this.#batches.splice(0);
    const ahead = behind.splice(0, this.#ahead ?? 0);
    this.#ahead = undefined;
    return { ahead, behind };
  }

  [Symbol.iterator](): Iterator<SealedBatch> {
    return this.#batches.values();
  }
}
