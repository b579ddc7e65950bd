const none = -1;
/** Of each place, side by side, so that they share a line of the processor's cache. */
const fieldsPerPlace = 4;
const newer = 0;
const older = 1;
const unsettled = 2;

/** Devices with unsettled events that are passed over in the search for one to forget. */
const mostPassedOver = 16;

/**
 * In which order devices were heard of, and how many unsettled events each has: a doubly linked list in a typed array,
 * each operation a few writes.
 */
export class RecentDevices {
  readonly #fields: Int32Array;
  /** The list is a ring through this place, which is no device. */
  readonly #end: number;

  constructor(places: number) {
    this.#end = places * fieldsPerPlace;
    this.#fields = new Int32Array(this.#end + fieldsPerPlace);
    this.#fields[this.#end + newer] = this.#end;
    this.#fields[this.#end + older] = this.#end;
  }

  /** Puts a new device at the newest place. */
  add(place: number): void {
    this.#insert(place * fieldsPerPlace);
  }

  /** The device has been heard of, and has one more unsettled event. */
  began(place: number): void {
    const fields = this.#fields;
    const at = place * fieldsPerPlace;
    fields[at + unsettled] = (fields[at + unsettled] as number) + 1;
    this.#touch(at);
  }

  /** One of its events is settled. */
  ended(place: number): void {
    const at = place * fieldsPerPlace + unsettled;
    this.#fields[at] = (this.#fields[at] as number) - 1;
  }

  /** Unsettled events of all devices. */
  get unsettled(): number {
    let sum = 0;
    for (let at = unsettled; at < this.#end; at += fieldsPerPlace) sum += this.#fields[at] as number;
    return sum;
  }

  /**
   * A device without unsettled events that has been quiet for long, the longest of all unless some of those have; −1 when
   * none is found soon.
   */
  takeQuiet(): number {
    const fields = this.#fields;
    for (let passed = 0; passed < mostPassedOver; passed++) {
      const at = fields[this.#end + newer] as number;
      if (at === this.#end) return none;
      this.#touch(at);
      if (fields[at + unsettled] === 0) return at / fieldsPerPlace;
    }
    return none;
  }

  #touch(at: number): void {
    const fields = this.#fields;
    const next = fields[at + newer] as number;
    if (next === this.#end) return;
    const previous = fields[at + older] as number;
    fields[previous + newer] = next;
    fields[next + older] = previous;
    this.#insert(at);
  }

  #insert(at: number): void {
    const fields = this.#fields;
    const end = this.#end;
    const newest = fields[end + older] as number;
    fields[at + older] = newest;
    fields[at + newer] = end;
    fields[newest + newer] = at;
    fields[end + older] = at;
  }
}
