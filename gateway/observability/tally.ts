import type { Sample } from './metrics.ts';

/** Counts by the value of one label, out of a bounded set: a reason, a listener, a broker. */
export class Tally<Value extends string | number> {
  readonly #label: string;
  readonly #counts = new Map<Value, number>();

  /** @param known values that are exported from the start, so that a first occurrence shows as an increase. */
  constructor(label: string, known: readonly Value[] = []) {
    this.#label = label;
    for (const value of known) this.#counts.set(value, 0);
  }

  add(value: Value, by = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + by);
  }

  of(value: Value): number {
    return this.#counts.get(value) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  /** With further labels, the same for all. */
  *samples(labels: Readonly<Record<string, string | number>> = {}): Generator<Sample> {
    for (const [value, count] of this.#counts) yield [{ ...labels, [this.#label]: value }, count];
  }
}
