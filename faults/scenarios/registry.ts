import type { Scenario } from '../scenario.ts';
import { noAnswers, someAnswers } from './demands.ts';

export const registryDown: Scenario = {
  name: 'registry-down',
  title: 'Schema registry down',
  what: 'the registry is down: a running gateway does not care; one that is started meanwhile is not ready and takes nothing, until the registry is back',
  seconds: { short: 6, long: 30 },
  fault: async (world, seconds) => {
    world.mark('registry down');
    await world.registry.stop();
    await someAnswers(world, seconds / 2, 'while the registry was down, by a gateway that knows the schemas');
    const { atMs: fromMs } = world.timeline.mark('fault', 'gateway restarted');
    await world.gateway.end('SIGTERM');
    await world.gateway.launch();
    await noAnswers(world, seconds / 2, 'by a gateway that knows no schemas');
    world.demand(world.gateway.running, 'the gateway ended because the registry was down');
    world.demand(world.timeline.sawNotReady(fromMs, Date.now()), 'the gateway never said that it was not ready');
    world.mark('registry back');
    await world.registry.startAgain();
    await world.gateway.untilReady();
  },
};
