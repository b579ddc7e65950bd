import { setTimeout as delay } from 'node:timers/promises';
import { waitForInSync } from '../injectors/cluster-view.ts';
import { moveLeadersTo } from '../injectors/partitions.ts';
import type { Scenario, World } from '../scenario.ts';
import { drainBulkLoad } from './bulk-vehicles.ts';
import { boundedMemory, noAnswers, someAnswers } from './demands.ts';
import { demandFlood, floodShare, startFlood, tightWatermarks } from './flood.ts';
import { mainLeader, untilDeposed } from './leaders.ts';

/** A broker that is not heard of for seconds is fenced; then the controller elects; a loaded machine takes its time. */
const ELECTION_DEADLINE_MS = 45_000;

const allInSync = (world: World): Promise<void> =>
  waitForInSync(world.kafka.bootstrap, [world.topics.events, world.topics.deadLetters]);

export const leaderKill: Scenario = {
  name: 'leader-kill',
  title: 'Leader killed',
  what: 'kill -9 of the broker that leads most partitions, five times, one after the other (once in the short form): others take over, nothing is lost',
  seconds: { short: 1, long: 5 },
  fault: async (world, seconds) => {
    const rounds = world.form.short ? 1 : 5;
    for (let round = 1; round <= rounds; round += 1) {
      const leader = await mainLeader(world);
      world.mark(`broker ${leader.nodeId} killed, ${round} of ${rounds}`);
      await leader.kill();
      await untilDeposed(world, leader, ELECTION_DEADLINE_MS);
      await someAnswers(world, seconds, 'while others led in its place');
      world.mark(`broker ${leader.nodeId} started`);
      await leader.start();
      await allInSync(world);
    }
  },
};

export const leaderPause: Scenario = {
  name: 'leader-pause',
  title: 'Leader hangs',
  what: 'SIGSTOP of the broker that leads most partitions: others take over; when it goes on, it still thinks that it leads',
  // It is deposed after 6 s, after 3 s in the short form.
  seconds: { short: 6, long: 30 },
  fault: async (world, seconds) => {
    const leader = await mainLeader(world);
    world.mark(`broker ${leader.nodeId} frozen`);
    leader.pause();
    const thawAtMs = performance.now() + seconds * 1000;
    await untilDeposed(world, leader, ELECTION_DEADLINE_MS);
    await delay(Math.max(0, thawAtMs - performance.now()));
    world.mark(`broker ${leader.nodeId} goes on`);
    leader.resume();
    await allInSync(world);
  },
};

export const followersHangLeaderDies: Scenario = {
  name: 'followers-hang-leader-dies',
  title: 'Followers hang, leader dies',
  what: 'both followers freeze, so that only the leader gets what is published; the leader dies, the followers go on and lead: what it alone had was never acknowledged',
  seconds: { short: 3, long: 5 },
  fault: async (world, seconds) => {
    const leader = await mainLeader(world);
    await moveLeadersTo(world.kafka.bootstrap, world.topics.events, leader.nodeId);
    const followers = world.kafka.brokers.filter((broker) => broker !== leader);
    world.mark(`brokers ${followers.map(({ nodeId }) => nodeId).join(' and ')} frozen`);
    for (const follower of followers) follower.pause();
    await noAnswers(world, seconds, 'while both followers were frozen');
    world.mark(`leader ${leader.nodeId} killed, followers go on`);
    await leader.kill();
    for (const follower of followers) follower.resume();
    await untilDeposed(world, leader, ELECTION_DEADLINE_MS);
    world.mark(`broker ${leader.nodeId} started`);
    await leader.start();
    await allInSync(world);
  },
};

const hardRecords = 2000;

export const twoBrokersDown: Scenario = {
  name: 'two-brokers-down',
  title: 'Two of three brokers down',
  what: 'two brokers are killed under a flood of large payloads: no PUBACK on what they lead, memory stays bounded, the gateway says that it is not ready, and recovers by itself',
  boundsMemory: true,
  settings: {
    kafka: { maxBatchRecords: 500, softRecords: 1000, hardRecords, ...tightWatermarks },
    mqtt: floodShare,
  },
  // More may be outstanding than the gateway takes.
  fleet: { window: 32 },
  seconds: { short: 10, long: 60 },
  fault: async (world, seconds) => {
    await using flood = await startFlood(world);
    const down = [...world.kafka.brokers].sort(() => world.random.between(-1, 1)).slice(0, 2);
    const { atMs: fromMs } = world.timeline.mark(
      'fault',
      `brokers ${down.map(({ nodeId }) => nodeId).join(' and ')} killed`,
    );
    await Promise.all(down.map((broker) => broker.kill()));
    await noAnswers(world, seconds, 'while two of three brokers were down');
    const unsettled = await world.gateway.metric('edge_unsettled_records');
    const toMs = Date.now();
    world.demand(world.timeline.sawNotReady(fromMs, toMs), 'the gateway never said that it was not ready');
    world.demand(unsettled <= hardRecords * 1.5, `${unsettled} unsettled records, where ${hardRecords} are the limit`);
    demandFlood(world, flood);
    boundedMemory(world, fromMs, toMs, tightWatermarks.hardBytes);
    world.mark('brokers started');
    await Promise.all(down.map((broker) => broker.start()));
    await allInSync(world);
    await drainBulkLoad(world, flood);
  },
};
