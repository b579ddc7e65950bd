import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario, World } from '../scenario.ts';

/** What the gateway has to settle everything it read, milliseconds. */
const drainDeadlineMs = 10_000;

async function restartRepeatedly(
  world: World,
  signal: 'SIGKILL' | 'SIGTERM',
  rounds: number,
  seconds: number,
  ended: (exitCode: number | null, tookMs: number) => void,
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    world.mark(`${signal} to the gateway, ${round} of ${rounds}`);
    const startedAtMs = performance.now();
    const exitCode = await world.gateway.end(signal);
    ended(exitCode, performance.now() - startedAtMs);
    await world.gateway.start();
    // Somewhere between two batches, not always at the same moment after a start.
    await delay((seconds * 1000 * world.random.between(0.5, 1.5)) / rounds);
  }
}

export const gatewayKill: Scenario = {
  name: 'gateway-kill',
  title: 'Gateway killed',
  what: 'kill -9 of the gateway under load, five times (three in the short form): what was acknowledged is on Kafka, duplicates are those in flight at each kill',
  seconds: { short: 3, long: 30 },
  fault: async (world, seconds) => {
    await restartRepeatedly(world, 'SIGKILL', world.form.short ? 3 : 5, seconds, (exitCode) =>
      world.demand(exitCode === null, `the gateway ended with exit code ${exitCode}, not by the signal`),
    );
    const { resent } = await world.fleet.summary();
    world.demand(resent > 0, 'no device sent anything again: nothing was in flight at any kill');
  },
};

export const gatewayTerm: Scenario = {
  name: 'gateway-term',
  title: 'Gateway stopped',
  what: 'SIGTERM under load: the gateway settles what it has read and exits with 0 within its grace; no duplicates',
  settings: { shutdown: { drainDeadlineMs } },
  seconds: { short: 4, long: 20 },
  fault: async (world, seconds) => {
    await restartRepeatedly(world, 'SIGTERM', 2, seconds, (exitCode, tookMs) => {
      world.demand(exitCode === 0, `the gateway ended with exit code ${exitCode}, not 0`);
      world.demand(tookMs <= drainDeadlineMs, `the gateway took ${Math.round(tookMs)} ms to stop`);
    });
  },
  noDuplicates: true,
};
