import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../deploy/local/wait-for.ts';
import type { BulkLoad } from '../bulk/bulk-load.ts';
import type { Scenario, World } from '../scenario.ts';
import { AS_FAST_AS_ANSWERED, judgeBulkLoad, MEANWHILE_BYTES_PER_SECOND, startBulkLoad } from './bulk-vehicles.ts';
import { someAnswers } from './demands.ts';
import { repeatedByKill, repeatedLargeByKill, smallReplay } from './spool-repeats.ts';
import {
  describeSpool,
  lookAtSpool,
  REPLAY_DEADLINE_MS,
  spoolReached,
  spoolSettled,
  spoolStates,
  untilSpoolIs,
  untilSpoolTakes,
} from './spool-watch.ts';

const FILL_DEADLINE_MS = 60_000;
/** What one kill may repeat is to be little of what has been replayed: a replay from the beginning must show. */
const backlogRecords = 10 * smallReplay.replayMaxRecords;

export const spoolKill: Scenario = {
  name: 'spool-kill',
  title: 'Gateway killed while it spools and replays',
  what: 'the gateway is cut from Kafka and back, again and again, and killed at random moments: while it spools, before Kafka is back, while it replays, and while it switches back',
  network: 'proxied',
  settings: {
    kafka: { maxBatchRecords: smallReplay.maxBatchRecords },
    spool: {
      ...{ mode: 'outage', afterMs: 300, maxBytes: 4_000_000_000, segmentBytes: 4 * 1024 * 1024 },
      replayMaxRecords: smallReplay.replayMaxRecords,
    },
  },
  // Each round: how long the spool is filled, about.
  seconds: { short: 1, long: 4 },
  fault: async (world, seconds) => {
    await using bulk = await startBulkLoad(world);
    const rounds = world.form.short ? 1 : 5;
    let kills = 0;
    for (let round = 1; round <= rounds; round += 1) {
      kills += await spoolKillRound(world, bulk, seconds * 1000);
    }
    await spoolSettled(world);
    await judgeBulkLoad(world, bulk, kills * repeatedLargeByKill);
  },
  check: spoolSettled,
};

/** Returns how often the gateway was killed. */
async function spoolKillRound(world: World, bulk: BulkLoad, fillMs: number): Promise<number> {
  const { replaying, direct } = spoolStates;
  const { withoutKafka, whileReplaying } = repeatedByKill;
  // Kafka may have this already when the spool takes it over; the answers are cut off.
  world.explainDuplicates((await world.fleet.summary()).inFlight);
  await cut(world);
  bulk.setRate(AS_FAST_AS_ANSWERED);
  await untilSpoolTakes(world);
  await killSoon(world, 2 * fillMs, 'while it spools', withoutKafka);
  await delay(world.random.between(0.5, 1.5) * fillMs);
  await waitFor(async () => (await lookAtSpool(world)).records >= backlogRecords, {
    ...{ deadlineMs: FILL_DEADLINE_MS, everyMs: 50, what: `${backlogRecords} records to be in the spool` },
  });
  bulk.setRate(MEANWHILE_BYTES_PER_SECOND);
  await heal(world);
  await killSoon(world, 1000, 'before it replays', whileReplaying);
  await spoolReached(world, ({ state }) => state === replaying);
  await killSoon(world, 1000, 'while it replays', whileReplaying);
  const nearlyDone = world.random.integer(3 * smallReplay.replayMaxRecords);
  await spoolReached(world, ({ state, records }) => state === replaying && records <= nearlyDone);
  await killSoon(world, 20, 'while it switches back', whileReplaying);
  await untilSpoolIs(world, direct, REPLAY_DEADLINE_MS);
  return 4;
}

async function cut(world: World): Promise<void> {
  world.mark('cut from Kafka');
  await Promise.all(world.proxies.map((proxy) => proxy.cut()));
}

async function heal(world: World): Promise<void> {
  world.mark('Kafka can be reached');
  await Promise.all(world.proxies.map((proxy) => proxy.heal()));
}

/**
 * `kill -9` after a random time of at most `withinMs`, and starts it again.
 *
 * @param repeated most records that this may put on Kafka twice
 */
async function killSoon(world: World, withinMs: number, when: string, repeated: number): Promise<void> {
  await delay(world.random.between(0, withinMs));
  world.mark(`killed ${when}: ${describeSpool(await lookAtSpool(world))}`);
  world.explainDuplicates(repeated);
  await world.gateway.end('SIGKILL');
  await world.gateway.start();
}

export const spoolAlwaysKill: Scenario = {
  name: 'spool-always-kill',
  title: 'Everything goes through the spool, gateway killed',
  what: 'spool.mode is always; kill -9 of the gateway under load, six times (three in the short form), every other time while it is cut from Kafka: answered all the time, and what was answered is on the disk',
  network: 'proxied',
  settings: {
    kafka: { maxBatchRecords: smallReplay.maxBatchRecords },
    spool: { mode: 'always', segmentBytes: 1024 * 1024, replayMaxRecords: smallReplay.replayMaxRecords },
  },
  seconds: { short: 3, long: 30 },
  fault: async (world, seconds) => {
    const rounds = world.form.short ? 3 : 6;
    const secondsOfOne = seconds / rounds;
    for (let round = 1; round <= rounds; round += 1) {
      const isCut = round % 2 === 0;
      if (isCut) await cut(world);
      await someAnswers(world, world.random.between(0.5, 1.5) * secondsOfOne, 'out of the spool');
      const spooled = await world.gateway.metric('edge_publishes_spooled_total');
      world.demand(spooled > 0, 'no publish was answered out of the spool');
      const repeated = isCut ? repeatedByKill.withoutKafka : repeatedByKill.whileReplaying;
      await killSoon(world, 200, `${round} of ${rounds}`, repeated);
      if (isCut) {
        await someAnswers(world, secondsOfOne, 'after a start without Kafka');
        await heal(world);
      }
      // So that the next kill meets what flows, not a backlog that is replayed as fast as Kafka takes it.
      await spoolReached(world, ({ records }) => records <= smallReplay.replayMaxRecords);
    }
  },
  check: spoolSettled,
};
