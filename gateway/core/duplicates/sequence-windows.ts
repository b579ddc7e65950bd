/** What is known of an event. */
export type Sighting = 0 | 1 | 2;
/** Not known to have been here: it is to be written. */
export const unseen = 0;
/** Its records were appended; nobody knows yet how they end. */
export const pending = 1;
/** It is on Kafka, or in the spool. */
export const settled = 2;

const noBoot = -1;
/** Below every sequence. */
const noSequence = -1;
const bitsPerWord = 32;
/** Windows of a device: its present boot's, and the one before, for what arrives late. */
export const bootsPerDevice = 2;

/**
 * Of each device two windows over its sequences, one per boot: which of the last `size` are settled, and which are
 * pending. All in a few typed arrays: a device costs its bits and no objects, and what no device uses yet costs no memory.
 *
 * Sequences are integers from 0 to 2^53−2. Bit operations see the lowest 32 bits of such a number, whatever its size: all
 * that is needed to find its place, as `size` is a power of two.
 */
export class SequenceWindows {
  readonly #size: number;
  readonly #words: number;
  readonly #bootIds: Float64Array;
  readonly #highest: Float64Array;
  readonly #first: Float64Array;
  readonly #latestUs: Float64Array;
  readonly #settled: Int32Array;
  readonly #pending: Int32Array;
  /** Which of a device's windows is that of its present boot. */
  readonly #present: Uint8Array;

  /** @param size sequences per window: a power of two, at least 32. */
  constructor(devices: number, size: number) {
    const windows = devices * bootsPerDevice;
    this.#size = size;
    this.#words = size / bitsPerWord;
    this.#bootIds = new Float64Array(windows);
    this.#highest = new Float64Array(windows);
    this.#first = new Float64Array(windows);
    this.#latestUs = new Float64Array(windows);
    this.#settled = new Int32Array(windows * this.#words);
    this.#pending = new Int32Array(windows * this.#words);
    this.#present = new Uint8Array(devices);
  }

  /** From now on nothing is known of the device. Its place may have been another's before. */
  clear(device: number): void {
    for (let i = 0; i < bootsPerDevice; i++) this.#open(device * bootsPerDevice + i, noBoot, noSequence);
  }

  /** The window of the device's present boot, or of the one before; −1 when it is neither. */
  windowOf(device: number, bootId: number): number {
    const present = device * bootsPerDevice + (this.#present[device] as number);
    if (this.#bootIds[present] === bootId) return present;
    const other = present ^ 1;
    return this.#bootIds[other] === bootId ? other : -1;
  }

  /** Whether anything is known of the device. */
  isKnown(device: number): boolean {
    return this.#bootIds[device * bootsPerDevice + (this.#present[device] as number)] !== noBoot;
  }

  /** A window for a boot that is not known. What was the present one is the one before now; that one's is dropped. */
  startBoot(device: number, bootId: number, sequence: number): number {
    const which = this.isKnown(device) ? 1 - (this.#present[device] as number) : 0;
    const window = device * bootsPerDevice + which;
    this.#present[device] = which;
    this.#open(window, bootId, sequence);
    return window;
  }

  #open(window: number, bootId: number, first: number): void {
    this.#bootIds[window] = bootId;
    this.#highest[window] = noSequence;
    this.#first[window] = first;
    this.#latestUs[window] = Number.NEGATIVE_INFINITY;
    this.#clearBits(window);
  }

  #clearBits(window: number): void {
    const from = window * this.#words;
    this.#settled.fill(0, from, from + this.#words);
    this.#pending.fill(0, from, from + this.#words);
  }

  /** The highest sequence that has been here; −1 before the first. */
  highest(window: number): number {
    return this.#highest[window] as number;
  }

  /** The sequence that was here first. */
  first(window: number): number {
    return this.#first[window] as number;
  }

  /** The latest event time that has been here, microseconds. */
  latestUs(window: number): number {
    return this.#latestUs[window] as number;
  }

  /** Whether the sequence is one of the last `size` that have been here or were skipped. */
  covers(window: number, sequence: number): boolean {
    const back = this.highest(window) - sequence;
    return back >= 0 && back < this.#size;
  }

  sighting(window: number, sequence: number): Sighting {
    if (!this.covers(window, sequence)) return unseen;
    const word = window * this.#words + ((sequence & (this.#size - 1)) >>> 5);
    const bit = 1 << (sequence & (bitsPerWord - 1));
    if (((this.#settled[word] as number) & bit) !== 0) return settled;
    return ((this.#pending[word] as number) & bit) !== 0 ? pending : unseen;
  }

  /** Moves the window on to `sequence`, which lies ahead of it. */
  advance(window: number, sequence: number): void {
    const from = this.highest(window) + 1;
    if (sequence - from >= this.#size) this.#clearBits(window);
    else for (let skipped = from; skipped <= sequence; skipped++) this.#forget(window, skipped);
    this.#highest[window] = sequence;
  }

  #forget(window: number, sequence: number): void {
    const word = window * this.#words + ((sequence & (this.#size - 1)) >>> 5);
    const others = ~(1 << (sequence & (bitsPerWord - 1)));
    this.#settled[word] = (this.#settled[word] as number) & others;
    this.#pending[word] = (this.#pending[word] as number) & others;
  }

  /** The sequence, which the window covers, is pending from now on. */
  setPending(window: number, sequence: number, timeUs: number): void {
    const word = window * this.#words + ((sequence & (this.#size - 1)) >>> 5);
    this.#pending[word] = (this.#pending[word] as number) | (1 << (sequence & (bitsPerWord - 1)));
    if (timeUs > (this.#latestUs[window] as number)) this.#latestUs[window] = timeUs;
  }

  /** The sequence is not pending any more. Nothing happens when the window has moved on. */
  settle(window: number, sequence: number, isDurable: boolean): void {
    if (!this.covers(window, sequence)) return;
    const word = window * this.#words + ((sequence & (this.#size - 1)) >>> 5);
    const bit = 1 << (sequence & (bitsPerWord - 1));
    this.#pending[word] = (this.#pending[word] as number) & ~bit;
    if (isDurable) this.#settled[word] = (this.#settled[word] as number) | bit;
  }
}
