import { setTimeout as delay } from 'node:timers/promises';
import type { LocalBroker } from '../../deploy/local/kafka-broker.ts';
import type { Timeline } from '../timeline.ts';

/** Longer than the fleet takes to fill what it may have unanswered; shorter than Kafka takes to give a broker up for dead. */
const STALL_MS = 15_000;
/** When Kafka stalls, in shares of the start-up. */
const STALLS_AT = [0.2, 0.5] as const;
/** A run that is shorter has no time for it, and does not judge memory either. */
const SHORTEST_S = 120;

/** What is start-up: code is compiled, pools and caches fill. A fifth of the run, and at most five minutes. */
export const startUpOf = (seconds: number): number => Math.min(300, seconds / 5);

/**
 * Has Kafka take nothing for a while, so that every device has as much unanswered as it may: the largest burst that can
 * come. Pools and allocators keep what their largest burst needed. Growth up to there is none of a leak's, and would go on
 * by ever rarer steps for hours if chance were left to bring about that burst.
 */
export async function stallKafka(
  brokers: readonly LocalBroker[],
  seconds: number,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<void> {
  const startUpS = startUpOf(seconds);
  if (startUpS < SHORTEST_S) return;
  const startedMs = performance.now();
  for (const share of STALLS_AT) {
    const waitMs = startedMs + startUpS * share * 1000 - performance.now();
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    timeline.mark('fault', 'Kafka stalls');
    for (const broker of brokers) broker.pause();
    try {
      await delay(STALL_MS, undefined, { signal }).catch(() => undefined);
    } finally {
      for (const broker of brokers) broker.resume();
    }
  }
}
