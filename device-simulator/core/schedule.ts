/** Called for each message that is due: which device, and when it should have been sent (milliseconds of the schedule). */
export type DueHandler = (device: number, intendedMs: number) => void;

export interface ScheduleOptions {
  /** Milliseconds between two messages, one per device; a device with Infinity never sends. */
  readonly intervalsMs: Float64Array;
  /** When each device begins, within [0, rampMs): devices are spread evenly. */
  readonly rampMs: number;
  /** Nothing is intended at or after this time. */
  readonly endMs: number;
}

/**
 * When each message is intended to be sent: an open loop. The intended times do not depend on what was acknowledged,
 * so that a slow server is seen as latency and not hidden by a slow sender (coordinated omission).
 *
 * Device `d` sends at `start + phase + k × interval`; phases are spread by the golden ratio, so that any part of the
 * fleet is even in itself. A heap by next intended time holds one entry per device.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #nextMs: Float64Array;
  readonly #firstMs: Float64Array;
  readonly #count: Float64Array;
  readonly #heap: Int32Array;
  #size = 0;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    const devices = options.intervalsMs.length;
    this.#nextMs = new Float64Array(devices);
    this.#firstMs = new Float64Array(devices);
    this.#count = new Float64Array(devices);
    this.#heap = new Int32Array(devices);
    for (let device = 0; device < devices; device += 1) {
      const intervalMs = options.intervalsMs[device] as number;
      if (!Number.isFinite(intervalMs)) continue;
      const phase = (device * 0.618_033_988_749_895) % 1;
      const firstMs = (options.rampMs * device) / devices + phase * intervalMs;
      this.#firstMs[device] = firstMs;
      this.#nextMs[device] = firstMs;
      if (firstMs < options.endMs) this.#push(device);
    }
  }

  /** The next intended time, or undefined when the schedule is over. */
  get nextMs(): number | undefined {
    return this.#size === 0 ? undefined : this.#nextMs[this.#heap[0] as number];
  }

  /** Hands out every message that is due by `nowMs`, in the order of the intended times. */
  takeDue(nowMs: number, due: DueHandler): void {
    while (this.#size > 0) {
      const device = this.#heap[0] as number;
      const intendedMs = this.#nextMs[device] as number;
      if (intendedMs > nowMs) return;
      this.#reschedule(device);
      due(device, intendedMs);
    }
  }

  #reschedule(device: number): void {
    const count = (this.#count[device] as number) + 1;
    this.#count[device] = count;
    // Multiplied, not added up: no rounding error accumulates over hours.
    const nextMs = (this.#firstMs[device] as number) + count * (this.#options.intervalsMs[device] as number);
    this.#nextMs[device] = nextMs;
    if (nextMs >= this.#options.endMs) {
      this.#size -= 1;
      this.#heap[0] = this.#heap[this.#size] as number;
    }
    this.#sink(0);
  }

  #push(device: number): void {
    let at = this.#size;
    this.#size += 1;
    this.#heap[at] = device;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.#size && this.#before(child, least)) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    return (this.#nextMs[this.#heap[a] as number] as number) < (this.#nextMs[this.#heap[b] as number] as number);
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a] as number;
    this.#heap[a] = this.#heap[b] as number;
    this.#heap[b] = held;
  }
}
