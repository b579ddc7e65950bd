import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

export const none: Scenario = {
  name: 'none',
  title: 'Nothing breaks',
  what: 'the fleet publishes to a healthy gateway and cluster: nothing is lost, and nothing is stored twice',
  seconds: { short: 4, long: 30 },
  fault: async (world, seconds) => {
    const { atMs: fromMs } = world.timeline.mark('fault', 'nothing');
    await delay(seconds * 1000);
    world.demand(!world.timeline.sawNotReady(fromMs, Date.now()), 'the gateway was not ready though nothing was wrong');
  },
};
