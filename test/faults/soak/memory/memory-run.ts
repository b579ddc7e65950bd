import { type Random, randomStream } from '../../../../device-simulator/core/random.ts';
import type { MemorySample } from '../../../../faults/soak/memory/sample.ts';

const mb = 1_000_000;

export interface MadeUpRun {
  readonly seconds: number;
  readonly seed: number;
  readonly leakMbPerMinute?: number;
  /** Seconds between two full collections, about. */
  readonly collectEveryS?: number;
  /** Memory beside the heap: what the allocator keeps of the largest burst so far, or a leak of native code, bytes. */
  readonly outside?: (atS: number) => number;
}

/**
 * The memory of a process as V8 makes it: live objects that come and go slowly (an autoregressive walk around 40 MB),
 * garbage that piles up between two collections, and a resident set that follows the largest recent heap.
 */
export function madeUpRun(run: MadeUpRun): MemorySample[] {
  const { seconds, seed, leakMbPerMinute = 0, collectEveryS = 12, outside = () => 0 } = run;
  const random = randomStream(seed, 1);
  let [live, garbage, rss, majorCollections] = [40 * mb, 0, 120 * mb, 0];
  return Array.from({ length: seconds }, (_, atS) => {
    live += (40 * mb - live) * 0.05 + gauss(random) * 0.4 * mb;
    garbage += random.between(0.1, 0.5) * mb;
    if (random.chance(1 / collectEveryS)) {
      garbage = 0;
      majorCollections += 1;
    }
    const leaked = (leakMbPerMinute * mb * atS) / 60;
    const heapUsed = live + garbage + leaked;
    rss = Math.max(rss * 0.995, 80 * mb + heapUsed);
    return { atS, rss: rss + outside(atS), heapUsed, external: 5 * mb, majorCollections };
  });
}

/** About normal, mean 0, deviation 1. */
function gauss(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += random.next();
  return sum;
}
