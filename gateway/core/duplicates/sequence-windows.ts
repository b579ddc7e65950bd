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
const bootsPerDevice = 2;

/** The figures of a window; those of a device share a line of the processor's cache. */
const figuresPerWindow = 4;
const bootId = 0;
const highest = 1;
const first = 2;
const latestUs = 3;

/**
 * Of each device two windows over its sequences, one per boot: which of the last `size` are settled, and which are
 * pending. All in a few typed arrays: a device costs its bits and no objects, and what no device uses yet costs no memory.
 *
 * Sequences are integers from 0 to 2^53−2. Bit operations see the lowest 32 bits of such a number, whatever its size: all
 * that is needed to find its place, as `size` is a power of two.
 */
export class SequenceWindows {
  readonly #size: number;
  /** Of a window: for each word of bits that are settled, behind it the one of those that are pending. */
  readonly #words: number;
  readonly #figures: Float64Array;
  readonly #bits: Int32Array;
  /** Which of a device's windows is that of its present boot. */
  readonly #present: Uint8Array;

  /** @param size sequences per window: a power of two, at least 32. */
  constructor(devices: number, size: number) {
    const windows = devices * bootsPerDevice;
    this.#size = size;
    this.#words = (2 * size) / bitsPerWord;
    this.#figures = new Float64Array(windows * figuresPerWindow);
    this.#bits = new Int32Array(windows * this.#words);
    this.#present = new Uint8Array(devices);
  }

  /** From now on nothing is known of the device. Its place may have been another's before. */
  clear(device: number): void {
    for (let i = 0; i < bootsPerDevice; i++) this.#open(device * bootsPerDevice + i, noBoot, noSequence);
  }

  /** The window of the device's present boot, or of the one before; −1 when it is neither. */
  windowOf(device: number, boot: number): number {
    const window = device * bootsPerDevice;
    if (this.#figure(window, bootId) === boot) return window;
    return this.#figure(window + 1, bootId) === boot ? window + 1 : -1;
  }

  /** Whether anything is known of the device. */
  isKnown(device: number): boolean {
    return this.#figure(device * bootsPerDevice + (this.#present[device] as number), bootId) !== noBoot;
  }

  /** A window for a boot that is not known. What was the present one is the one before now; that one's is dropped. */
  startBoot(device: number, boot: number, sequence: number): number {
    const which = this.isKnown(device) ? 1 - (this.#present[device] as number) : 0;
    const window = device * bootsPerDevice + which;
    this.#present[device] = which;
    this.#open(window, boot, sequence);
    return window;
  }

  #open(window: number, boot: number, firstSequence: number): void {
    const at = window * figuresPerWindow;
    this.#figures[at + bootId] = boot;
    this.#figures[at + highest] = noSequence;
    this.#figures[at + first] = firstSequence;
    this.#figures[at + latestUs] = Number.NEGATIVE_INFINITY;
    this.#clearBits(window);
  }

  #clearBits(window: number): void {
    const from = window * this.#words;
    this.#bits.fill(0, from, from + this.#words);
  }

  #figure(window: number, which: number): number {
    return this.#figures[window * figuresPerWindow + which] as number;
  }

  /** The highest sequence that has been here; −1 before the first. */
  highest(window: number): number {
    return this.#figure(window, highest);
  }

  /** The sequence that was here first. */
  first(window: number): number {
    return this.#figure(window, first);
  }

  /** The latest event time that has been here, microseconds. */
  latestUs(window: number): number {
    return this.#figure(window, latestUs);
  }

  /** Whether the sequence is one of the last `size` that have been here or were skipped. */
  covers(window: number, sequence: number): boolean {
    const back = this.#figure(window, highest) - sequence;
    return back >= 0 && back < this.#size;
  }

  sighting(window: number, sequence: number): Sighting {
    if (!this.covers(window, sequence)) return unseen;
    const word = this.#wordOf(window, sequence);
    const bit = 1 << (sequence & (bitsPerWord - 1));
    if (((this.#bits[word] as number) & bit) !== 0) return settled;
    return ((this.#bits[word + 1] as number) & bit) !== 0 ? pending : unseen;
  }

  /** Moves the window on to `sequence`, which lies ahead of it. */
  advance(window: number, sequence: number): void {
    const from = this.#figure(window, highest) + 1;
    if (sequence - from >= this.#size) this.#clearBits(window);
    else for (let skipped = from; skipped <= sequence; skipped++) this.#forget(window, skipped);
    this.#figures[window * figuresPerWindow + highest] = sequence;
  }

  #forget(window: number, sequence: number): void {
    const word = this.#wordOf(window, sequence);
    const others = ~(1 << (sequence & (bitsPerWord - 1)));
    this.#bits[word] = (this.#bits[word] as number) & others;
    this.#bits[word + 1] = (this.#bits[word + 1] as number) & others;
  }

  /** The sequence, which the window covers, is pending from now on. */
  setPending(window: number, sequence: number, timeUs: number): void {
    const word = this.#wordOf(window, sequence) + 1;
    this.#bits[word] = (this.#bits[word] as number) | (1 << (sequence & (bitsPerWord - 1)));
    if (timeUs > this.#figure(window, latestUs)) this.#figures[window * figuresPerWindow + latestUs] = timeUs;
  }

  /** The sequence is not pending any more. Nothing happens when the window has moved on. */
  settle(window: number, sequence: number, isDurable: boolean): void {
    if (!this.covers(window, sequence)) return;
    const word = this.#wordOf(window, sequence);
    const bit = 1 << (sequence & (bitsPerWord - 1));
    this.#bits[word + 1] = (this.#bits[word + 1] as number) & ~bit;
    if (isDurable) this.#bits[word] = (this.#bits[word] as number) | bit;
  }

  /** Where the word is with the settled bit of a sequence. */
  #wordOf(window: number, sequence: number): number {
    return window * this.#words + (((sequence & (this.#size - 1)) >>> 5) << 1);
  }
}
