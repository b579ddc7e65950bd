import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../device-simulator/core/random.ts';
import { waitForInSync } from '../injectors/cluster-view.ts';
import { moveLeaders } from '../injectors/partitions.ts';
import type { Scenario, World } from '../scenario.ts';
import { addresses } from './leaders.ts';

type Target = 'gateway' | 'brokers' | 'network' | 'devices' | 'clock' | 'registry';

/** A fault that can happen together with any other one that has another target. */
export interface Disturbance {
  readonly name: string;
  readonly target: Target;
  disturb(world: World, seconds: number): Promise<void>;
}

const anyBroker = (world: World) => {
  const broker = world.kafka.brokers[world.random.integer(world.kafka.brokers.length)];
  if (broker === undefined) throw new Error('there are no brokers');
  return broker;
};

const anyProxy = (world: World) => {
  const proxy = world.proxies[world.random.integer(world.proxies.length)];
  if (proxy === undefined) throw new Error('there are no proxies');
  return proxy;
};

const restart = async (world: World, signal: 'SIGKILL' | 'SIGTERM', seconds: number): Promise<void> => {
  await delay(world.random.between(0, seconds * 1000));
  await world.gateway.end(signal);
  // What it needs may be broken, too: whoever mends it does not wait for the gateway.
  await world.gateway.launch();
};

export const disturbances: readonly Disturbance[] = [
  { name: 'gateway killed', target: 'gateway', disturb: (world, seconds) => restart(world, 'SIGKILL', seconds) },
  { name: 'gateway stopped', target: 'gateway', disturb: (world, seconds) => restart(world, 'SIGTERM', seconds) },
  {
    name: 'broker killed',
    target: 'brokers',
    disturb: async (world, seconds) => {
      const broker = anyBroker(world);
      await broker.kill();
      await delay(seconds * 1000);
      await broker.start();
    },
  },
  {
    name: 'broker frozen',
    target: 'brokers',
    disturb: async (world, seconds) => {
      const broker = anyBroker(world);
      broker.pause();
      await delay(seconds * 1000);
      broker.resume();
    },
  },
  {
    name: 'leaders moved',
    target: 'brokers',
    disturb: async (world, seconds) => {
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        await moveLeaders(addresses(world), world.topics.events);
        await delay(500);
      }
    },
  },
  {
    name: 'cut from a broker',
    target: 'network',
    disturb: async (world, seconds) => {
      const proxy = anyProxy(world);
      await proxy.cut();
      await delay(seconds * 1000);
      await proxy.heal();
    },
  },
  {
    name: "a broker's answers vanish",
    target: 'network',
    disturb: async (world, seconds) => {
      const proxy = anyProxy(world);
      proxy.blackhole('toClient');
      await delay(seconds * 1000);
      await proxy.heal();
    },
  },
  {
    name: 'latency',
    target: 'network',
    disturb: async (world, seconds) => {
      for (const proxy of world.proxies) proxy.setLatencyMs(world.random.between(50, 500));
      await delay(seconds * 1000);
      for (const proxy of world.proxies) proxy.setLatencyMs(0);
    },
  },
  {
    name: 'connections reset',
    target: 'devices',
    disturb: async (world, seconds) => {
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        const mode = world.random.chance(0.5) ? 'mid-publish' : 'before-puback';
        await world.fleet.resetConnections({ share: 0.3, mode });
        await delay(700);
      }
    },
  },
  {
    name: 'clock wrong',
    target: 'clock',
    disturb: async (world, seconds) => {
      const { clock } = world;
      if (clock === undefined) throw new Error('the gateway runs without a clock that can be shifted');
      await clock.set(world.random.chance(0.5) ? 3_600_000 : -3_600_000);
      await delay(seconds * 1000);
      await clock.set(0);
    },
  },
  {
    name: 'registry down',
    target: 'registry',
    disturb: async (world, seconds) => {
      await world.registry.stop();
      await delay(seconds * 1000);
      await world.registry.startAgain();
    },
  },
];

/** Two disturbances with different targets. */
export function drawPair(random: Random, from: readonly Disturbance[] = disturbances): [Disturbance, Disturbance] {
  const first = from[random.integer(from.length)];
  const others = from.filter(({ target }) => target !== first?.target);
  const second = others[random.integer(others.length)];
  if (first === undefined || second === undefined)
    throw new Error('there are no two disturbances of different targets');
  return [first, second];
}

const secondsOfOne = 4;

export const randomPairs: Scenario = {
  name: 'random-pairs',
  title: 'Two faults at once',
  what: 'pairs of faults, drawn from the seed, at the same time',
  network: 'proxied',
  clock: true,
  settings: { validation: { maxClockAheadSeconds: 7200 } },
  seconds: { short: 8, long: 120 },
  fault: async (world, seconds) => {
    const pairs = Math.max(1, Math.round(seconds / secondsOfOne));
    for (let pair = 1; pair <= pairs; pair += 1) {
      const [first, second] = drawPair(world.random);
      world.mark(`${first.name} and ${second.name}`);
      await Promise.all([first.disturb(world, secondsOfOne), second.disturb(world, secondsOfOne)]);
      await world.gateway.untilReady();
      await waitForInSync(world.kafka.bootstrap, [world.topics.events, world.topics.deadLetters]);
    }
  },
};
