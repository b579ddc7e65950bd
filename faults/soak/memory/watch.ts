import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayUnderTest } from '../../gateway-under-test.ts';
import { type MemorySample, memoryOf } from './sample.ts';

const EVERY_MS = 1_000;

/** Reads the gateway's memory once a second until `signal`. A second in which it does not answer is left out. */
export async function watchMemory(
  gateway: GatewayUnderTest,
  startedAtMs: number,
  samples: MemorySample[],
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 1; !signal.aborted; turn += 1) {
    const [scrape, rss] = await Promise.all([gateway.metrics().catch(() => []), gateway.ownMemoryBytes()]);
    const sample = memoryOf(scrape, rss, (Date.now() - startedAtMs) / 1000);
    if (sample !== undefined) samples.push(sample);
    const nextMs = startedAtMs + turn * EVERY_MS - Date.now();
    await delay(Math.max(1, nextMs), undefined, { signal }).catch(() => undefined);
  }
}
