import type { MemorySample } from './sample.ts';
import type { Point } from './theil-sen.ts';

/** How often the gateway of a soak is told to collect its garbage, and so how long a window is, seconds. */
export const collectionEveryS = 60;

export interface Windows {
  /** Full windows only; what is left at the end of the run is not one. */
  readonly all: readonly Window[];
  /** Those of them in which a full collection ended; the others' floor may be garbage. */
  readonly collected: readonly Window[];
}

/** Its samples, at least one. */
export type Window = readonly MemorySample[];

/**
 * Cuts the samples into windows for a lower envelope. Used heap is a sawtooth: it rises with garbage, and falls when V8
 * collects. What is still there after a full collection is what the gateway holds on to, and only that can leak. The
 * lowest sample of a window shows it, as each is as long as it takes from one collection to the next.
 */
export function cutWindows(samples: readonly MemorySample[]): Windows {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return { all: [], collected: [] };
  const count = Math.floor((last.atS - first.atS) / collectionEveryS);
  const windows = Array.from({ length: count }, (): MemorySample[] => []);
  for (const sample of samples) windows[Math.floor((sample.atS - first.atS) / collectionEveryS)]?.push(sample);
  const all = windows.filter((window) => window.length > 0);
  let before = first.majorCollections;
  const collected = all.filter((window) => {
    const after = window.at(-1)?.majorCollections ?? before;
    const any = after > before;
    before = after;
    return any;
  });
  return { all, collected };
}

/** The lowest value of each window, at the time at which it was seen. */
export function floorOf(windows: readonly Window[], value: (sample: MemorySample) => number): Point[] {
  return windows.map((window) => {
    const lowest = window.reduce((least, sample) => (value(sample) < value(least) ? sample : least));
    return [lowest.atS, value(lowest)];
  });
}
