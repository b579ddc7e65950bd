import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';

const modes = ['mid-publish', 'before-puback', 'plain'] as const;

export const resets: Scenario = {
  name: 'resets',
  title: 'Connections reset',
  what: 'connections of devices are reset in the middle of a PUBLISH, between write and PUBACK, and at any time: they publish again, in order',
  seconds: { short: 6, long: 30 },
  fault: async (world, seconds) => {
    const { fleet, random } = world;
    world.mark('connections reset');
    const before = await fleet.summary();
    const end = performance.now() + seconds * 1000;
    for (let round = 0; performance.now() < end; round += 1) {
      await fleet.resetConnections({ share: random.between(0.1, 0.5), mode: modes[round % modes.length] ?? 'plain' });
      await delay(random.between(300, 900));
    }
    const after = await fleet.summary();
    world.demand(after.disconnects > before.disconnects, 'no connection was lost');
    world.demand(after.resent > before.resent, 'no device sent anything again');
  },
};
