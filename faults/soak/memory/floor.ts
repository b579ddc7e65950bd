import type { MemorySample } from './sample.ts';
import type { Point } from './theil-sen.ts';

/** Window lengths to choose from, seconds. */
const lengths = [10, 15, 20, 30, 45, 60, 90, 120, 180] as const;
/** Fewer say nothing about their own scatter. */
const fewestWindows = 10;
/** Share of the windows that should contain a full collection. */
const collectedShare = 0.9;

export interface Windows {
  readonly lengthS: number;
  /** Full windows only; what is left at the end of the run is not one. */
  readonly all: readonly Window[];
  /** Those of them in which a full collection ended; the others' floor may be garbage. */
  readonly collected: readonly Window[];
}

/** Its samples, at least one. */
export type Window = readonly MemorySample[];

/**
 * Cuts the samples into windows for a lower envelope. Used heap is a sawtooth: it rises with garbage, and falls when V8
 * collects, whenever V8 likes. What is still there after a full collection is what the gateway holds on to, and only
 * that can leak. The lowest sample of a window shows it, if a full collection ended in that window; so the shortest
 * length is taken with which nearly every window has one, as long as there remain enough windows to see their scatter.
 */
export function cutWindows(samples: readonly MemorySample[]): Windows {
  let best = cut(samples, lengths[0]);
  for (const lengthS of lengths) {
    const windows = cut(samples, lengthS);
    if (windows.all.length < fewestWindows) break;
    best = windows;
    if (windows.collected.length >= windows.all.length * collectedShare) break;
  }
  return best;
}

/** The lowest value of each window, at the time at which it was seen. */
export function floorOf(windows: readonly Window[], value: (sample: MemorySample) => number): Point[] {
  return windows.map((window) => {
    const lowest = window.reduce((least, sample) => (value(sample) < value(least) ? sample : least));
    return [lowest.atS, value(lowest)];
  });
}

function cut(samples: readonly MemorySample[], lengthS: number): Windows {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return { lengthS, all: [], collected: [] };
  const windows = Array.from({ length: Math.floor((last.atS - first.atS) / lengthS) }, (): MemorySample[] => []);
  for (const sample of samples) windows[Math.floor((sample.atS - first.atS) / lengthS)]?.push(sample);
  const all = windows.filter((window) => window.length > 0);
  let before = first.majorCollections;
  const collected = all.filter((window) => {
    const after = window.at(-1)?.majorCollections ?? before;
    const any = after > before;
    before = after;
    return any;
  });
  return { lengthS, all, collected };
}
