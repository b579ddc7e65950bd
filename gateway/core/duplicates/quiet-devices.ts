const none = -1;

/**
 * The devices that have nothing unsettled, in the order in which they were heard of last: a doubly linked list in two
 * typed arrays, each operation a few writes. Only these may be forgotten; a device with unsettled events is not in it.
 */
export class QuietDevices {
  /** Neighbours in the list, the end at `capacity`: a ring through one place that is no device. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  readonly #end: number;

  constructor(capacity: number) {
    this.#end = capacity;
    this.#newer = new Int32Array(capacity + 1);
    this.#older = new Int32Array(capacity + 1);
    this.#newer[capacity] = capacity;
    this.#older[capacity] = capacity;
  }

  /** Puts a device that is not in the list at its newest place. */
  add(device: number): void {
    const end = this.#end;
    const newest = this.#older[end] as number;
    this.#older[device] = newest;
    this.#newer[device] = end;
    this.#newer[newest] = device;
    this.#older[end] = device;
  }

  /** Takes out a device that is in the list. */
  remove(device: number): void {
    const newer = this.#newer[device] as number;
    const older = this.#older[device] as number;
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  /** The device that has been quiet for longest; −1 when there is none. */
  get oldest(): number {
    const oldest = this.#newer[this.#end] as number;
    return oldest === this.#end ? none : oldest;
  }
}
