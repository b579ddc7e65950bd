import { waitFor } from '../../deploy/local/wait-for.ts';
import { waitForInSync } from '../injectors/cluster-view.ts';
import type { Scenario } from '../scenario.ts';
import { noAnswers, someAnswers } from './demands.ts';
import { untilDeposed } from './leaders.ts';
import { spoolStates } from './spool-watch.ts';

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
    await someAnswers(world, seconds, 'while others led in its place');
    world.mark('space again, broker started');
    await brokerDisk.free();
    await broker.start();
    await waitForInSync(kafka.bootstrap, [topics.events, topics.deadLetters]);
  },
};

/** Small, so that the whole spool fits on the disk several times. */
const spool = { mode: 'outage', afterMs: 500, segmentBytes: 1024 * 1024, maxBytes: 8 * 1024 * 1024 };
const SPOOL_DEADLINE_MS = 60_000;

export const gatewayDiskFull: Scenario = {
  name: 'gateway-disk-full',
  title: "The gateway's disk is full",
  what: 'Kafka is away and the spool takes over, then its disk is full: no PUBACK, not ready, no crash; with space again it goes on, and Kafka gets everything in order',
  needs: ['gateway-disk'],
  network: 'proxied',
  settings: { spool },
  seconds: { short: 4, long: 30 },
  fault: async (world, seconds) => {
    const { gatewayDisk, proxies, gateway } = world;
    if (gatewayDisk === undefined) throw new Error('the spool has no disk of its own');
    const untilSpool = (what: string, holds: () => Promise<boolean>): Promise<boolean> =>
      waitFor(holds, { deadlineMs: SPOOL_DEADLINE_MS, everyMs: 50, what });
    const isBlocked = async (): Promise<boolean> => (await gateway.metric('edge_spool_blocked')) > 0;
    world.mark('cut from all brokers');
    await Promise.all(proxies.map((proxy) => proxy.cut()));
    await untilSpool(
      'the spool to take over',
      async () => (await gateway.metric('edge_spool_state')) === spoolStates.spooling,
    );
    await someAnswers(world, seconds / 2, 'out of the spool');
    const { atMs: fullAtMs } = world.timeline.mark('fault', 'disk full');
    await gatewayDisk.fill();
    await untilSpool('the spool to notice', isBlocked);
    await noAnswers(world, seconds / 2, 'while the disk was full');
    world.demand((await gateway.metric('edge_spool_disk_errors_total')) > 0, 'no write to the disk failed');
    world.demand(world.timeline.sawNotReady(fullAtMs, Date.now()), 'the gateway never said that it was not ready');
    world.mark('space again');
    await gatewayDisk.free();
    await untilSpool('the spool to write again', async () => !(await isBlocked()));
    await someAnswers(world, seconds / 2, 'out of the spool, with space again');
    world.mark('healed');
    await Promise.all(proxies.map((proxy) => proxy.heal()));
    await untilSpool(
      'the spool to be replayed',
      async () => (await gateway.metric('edge_spool_state')) === spoolStates.direct,
    );
  },
};
