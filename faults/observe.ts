import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayUnderTest } from './gateway-under-test.ts';
import type { GatewayObservation } from './result.ts';

const EVERY_MS = 250;

/** Looks at the gateways several times a second until `signal`. Of several, the worst of each figure counts. */
export async function observe(
  gateways: readonly GatewayUnderTest[],
  observations: GatewayObservation[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const looks = await Promise.all(gateways.map((gateway) => gateway.observe()));
    const atMs = Math.min(...looks.map((look) => look.atMs));
    const pressures = looks.flatMap(({ pressure }) => (pressure === undefined ? [] : [pressure]));
    observations.push({
      atMs,
      running: looks.some(({ running }) => running),
      ready: worstOf(looks.map(({ ready }) => ready)),
      residentBytes: Math.max(...looks.map(({ residentBytes }) => residentBytes)),
      pressure: pressures.length === 0 ? undefined : Math.max(...pressures),
    });
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One that says no outweighs one that says nothing, for which there are many reasons. */
function worstOf(ready: readonly (boolean | undefined)[]): boolean | undefined {
  if (ready.includes(false)) return false;
  return ready.includes(undefined) ? undefined : true;
}
