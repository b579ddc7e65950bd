import { setTimeout as delay } from 'node:timers/promises';
import { memoryProblem } from '../memory-limit.ts';
import type { World } from '../scenario.ts';

/** What is under way when a fault begins may still be answered. */
const GRACE_MS = 1000;

/** Publishes answered so far, in whatever way. */
export async function answeredSoFar(world: World): Promise<number> {
  const { acked, rejected } = await world.fleet.summary();
  return acked + rejected;
}

/** Waits so long, and demands that no publish is answered meanwhile. */
export async function noAnswers(world: World, seconds: number, meanwhile: string): Promise<void> {
  await delay(GRACE_MS);
  const before = await answeredSoFar(world);
  await delay(Math.max(seconds * 1000 - GRACE_MS, GRACE_MS));
  const answered = (await answeredSoFar(world)) - before;
  world.demand(answered === 0, `${answered} publishes were answered ${meanwhile}`);
}

/** Waits so long, and demands that publishes are answered meanwhile. */
export async function someAnswers(world: World, seconds: number, meanwhile: string): Promise<void> {
  const graceMs = Math.min(GRACE_MS, (seconds * 1000) / 2);
  await delay(graceMs);
  const before = await answeredSoFar(world);
  await delay(seconds * 1000 - graceMs);
  world.demand((await answeredSoFar(world)) > before, `nothing was answered ${meanwhile}`);
}

/**
 * Waits so long, and demands that the gateway counts no event as delivered meanwhile: for a fault that leaves the
 * dead-letter topic alone, so that rejected publishes are still answered.
 */
export async function noEventDelivered(world: World, seconds: number, meanwhile: string): Promise<void> {
  const delivered = (): Promise<number> => world.gateway.metric('edge_publishes_delivered_total');
  await delay(GRACE_MS);
  const before = await delivered();
  await delay(seconds * 1000);
  const count = (await delivered()) - before;
  world.demand(count === 0, `${count} events were delivered ${meanwhile}`);
}

/** Demands that the gateway's memory did not grow beyond what its settings allow; `hardBytes` as in the section `kafka`. */
export function boundedMemory(world: World, fromMs: number, toMs: number, hardBytes: number): void {
  const quietBytes = world.timeline.mostResidentBytes(0, fromMs);
  const mostBytes = world.timeline.mostResidentBytes(fromMs, toMs);
  const problem = memoryProblem({ quietBytes, mostBytes, hardBytes });
  world.demand(problem === undefined, problem ?? '', 'memory');
}
