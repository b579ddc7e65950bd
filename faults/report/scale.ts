/** Maps a value to a place on an axis. */
export interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/**
 * A linear axis that ends on round numbers: steps of 1, 2 or 5 times a power of ten.
 *
 * @param low, high the values to be shown
 * @param from, to where the ends of the axis lie, e.g. pixels
 */
export function linearScale(low: number, high: number, from: number, to: number, wantedTicks = 5): Scale {
  const step = roundStep((high - low || Math.abs(high) || 1) / wantedTicks);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const span = (last - first) * step;
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step),
    place: (value) => from + ((value - first * step) / span) * (to - from),
  };
}

/** An axis of seconds whose steps are round minutes when it is longer than two of them. */
export function timeScale(lowS: number, highS: number, from: number, to: number): Scale {
  if (highS - lowS <= 120) return linearScale(lowS, highS, from, to, 8);
  const minutes = linearScale(lowS / 60, highS / 60, from, to, 8);
  return { ticks: minutes.ticks.map((tick) => tick * 60), place: (seconds) => minutes.place(seconds / 60) };
}

/** A logarithmic axis from a power of ten to a power of ten. What is 0 or less is drawn at the lower end. */
export function logarithmicScale(low: number, high: number, from: number, to: number): Scale {
  const first = Math.floor(Math.log10(Math.max(low, Number.MIN_VALUE)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(high, Number.MIN_VALUE)) - 1e-9));
  const share = (value: number): number => (value <= 0 ? 0 : Math.max(0, (Math.log10(value) - first) / (last - first)));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    place: (value) => from + share(value) * (to - from),
  };
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}
