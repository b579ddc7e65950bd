import type { Pressure } from './core/record-sink.ts';

/** How full the gateway is, over all that can fill it up: the highest of its parts. */
export class CombinedPressure {
  readonly #parts = new Map<string, Pressure>();
  readonly #onChange: (level: Pressure) => void;
  level: Pressure = 0;

  /** @param onChange called at once, also from inside of the sink's `append`. */
  constructor(onChange: (level: Pressure) => void) {
    this.#onChange = onChange;
  }

  set(part: string, level: Pressure): void {
    this.#parts.set(part, level);
    let highest: Pressure = 0;
    for (const each of this.#parts.values()) if (each > highest) highest = each;
    if (highest === this.level) return;
    this.level = highest;
    this.#onChange(highest);
  }
}
