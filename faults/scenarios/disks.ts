import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { waitForInSync } from '../injectors/cluster-view.ts';
import type { Scenario } from '../scenario.ts';
import { untilDeposed } from './leaders.ts';

const DEATH_DEADLINE_MS = 60_000;

export const brokerDiskFull: Scenario = {
  name: 'broker-disk-full',
  title: "A broker's disk is full",
  what: 'the log directory of one broker is full: it gives up, others take over; with space again it comes back',
  needs: ['broker-disk'],
  seconds: { short: 2, long: 20 },
  fault: async (world, seconds) => {
    const { brokerDisk, kafka, topics } = world;
    const broker = kafka.brokers.at(-1);
    if (brokerDisk === undefined || broker === undefined) throw new Error('no broker has a disk of its own');
    world.mark(`disk of broker ${broker.nodeId} full`);
    await brokerDisk.fill();
    await waitFor(() => !broker.isRunning(), { deadlineMs: DEATH_DEADLINE_MS, what: 'the broker to give up' });
    world.mark(`broker ${broker.nodeId} gave up`);
    await untilDeposed(world, broker, DEATH_DEADLINE_MS);
    await delay(seconds * 1000);
    world.mark('space again, broker started');
    await brokerDisk.free();
    await broker.start();
    await waitForInSync(kafka.bootstrap, [topics.events, topics.deadLetters]);
  },
};
