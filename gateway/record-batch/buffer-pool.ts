const smallestBytes = 8 * 1024;

/**
 * Buffers for open batches, in sizes that double up to the largest batch. A lane holds one only while its batch is
 * open, so that the memory follows the load and not the number of partitions.
 */
export class BufferPool {
  readonly sizes: readonly number[];
  readonly #free: Buffer[][];
  readonly #maxFreeBytes: number;
  #freeBytes = 0;
  #lentBytes = 0;

  /** @param maxFreeBytes what is kept for reuse; the rest is left to the garbage collector. */
  constructor(largestBytes: number, maxFreeBytes: number) {
    const sizes: number[] = [];
    for (let size = smallestBytes; size < largestBytes; size *= 2) sizes.push(size);
    sizes.push(largestBytes);
    this.sizes = sizes;
    this.#free = sizes.map(() => []);
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** Bytes lent out and kept for reuse. */
  get heldBytes(): number {
    return this.#lentBytes + this.#freeBytes;
  }

  /** @param sizeClass index into `sizes`. */
  take(sizeClass: number): Buffer {
    const size = this.sizes[sizeClass] as number;
    this.#lentBytes += size;
    const reused = this.#free[sizeClass]?.pop();
    if (reused === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return reused;
  }

  give(buffer: Buffer, sizeClass: number): void {
    this.#lentBytes -= buffer.length;
    if (this.#freeBytes + buffer.length > this.#maxFreeBytes) return;
    this.#freeBytes += buffer.length;
    this.#free[sizeClass]?.push(buffer);
  }
}
