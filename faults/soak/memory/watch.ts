import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayUnderTest } from '../../gateway-under-test.ts';
import { collectionEveryS } from './floor.ts';
import { type MemorySample, memoryOf } from './sample.ts';

const EVERY_MS = 1_000;
const TURNS_TO_COLLECTION = (collectionEveryS * 1_000) / EVERY_MS;
/** A collection takes some tenths of a second, and right after it the young generation begins to fill again. */
const LOOKS_AT_COLLECTION = 20;
const LOOK_EVERY_MS = 40;

/**
 * Reads the gateway's memory once a second until `signal`. A second in which it does not answer is left out. Once a minute
 * the gateway collects its garbage and gives back what it does not need: how many pages V8 keeps between two collections is
 * up to when it had last found time for one, and in resident memory that looks like growth.
 */
export async function watchMemory(
  gateway: GatewayUnderTest,
  startedAtMs: number,
  samples: MemorySample[],
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 1; !signal.aborted; turn += 1) {
    const collects = turn % TURNS_TO_COLLECTION === 0;
    const rss = collects ? await collect(gateway) : await gateway.ownMemoryBytes();
    const scrape = await gateway.metrics().catch(() => []);
    const sample = memoryOf(scrape, rss, (Date.now() - startedAtMs) / 1000);
    if (sample !== undefined) samples.push(sample);
    const nextMs = startedAtMs + turn * EVERY_MS - Date.now();
    await delay(Math.max(1, nextMs), undefined, { signal }).catch(() => undefined);
  }
}

/** The lowest that is seen around a collection. */
async function collect(gateway: GatewayUnderTest): Promise<number | undefined> {
  gateway.collectGarbage();
  let lowest: number | undefined;
  for (let look = 0; look < LOOKS_AT_COLLECTION; look += 1) {
    const now = await gateway.ownMemoryBytes();
    if (now !== undefined && now < (lowest ?? Number.POSITIVE_INFINITY)) lowest = now;
    await delay(LOOK_EVERY_MS);
  }
  return lowest;
}
