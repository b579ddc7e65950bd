/** A timer that is set for several times at once and rings at the earliest of them. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  set(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    // Timers take whole milliseconds.
    const wholeMs = Math.max(0, Math.ceil(delayMs));
    this.#timer = setTimeout(() => {
      this.clear();
      this.#ring();
    }, wholeMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
