import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../deploy/local/wait-for.ts';
import type { BulkLoad } from '../bulk/bulk-load.ts';
import type { Scenario, World } from '../scenario.ts';
import { AS_FAST_AS_ANSWERED, judgeBulkLoad, MEANWHILE_BYTES_PER_SECOND, startBulkLoad } from './bulk-vehicles.ts';
import { answeredSoFar } from './demands.ts';
import {
  lookAtSpool,
  REPLAY_DEADLINE_MS,
  STATE_DEADLINE_MS,
  spoolSettled,
  spoolStates,
  untilSpoolIs,
} from './spool-watch.ts';

const MB = 1_000_000;

export const spoolBacklog: Scenario = {
  name: 'spool-backlog',
  title: 'A gigabyte in the spool',
  what: 'all brokers are killed until the spool holds 1 GB (64 MB in the short form), answered all the time; then it is replayed while new traffic flows, in order per vehicle',
  longOnly: true,
  settings: { spool: { mode: 'outage', afterMs: 1000, maxBytes: 4_000_000_000 } },
  // The most that filling the spool may take.
  seconds: { short: 60, long: 300 },
  fault: async (world, seconds) => {
    await using bulk = await startBulkLoad(world);
    await killAllBrokers(world);
    await untilSpoolIs(world, spoolStates.spooling, STATE_DEADLINE_MS);
    const answeredBefore = await answeredSoFar(world);
    await fillSpool(world, bulk, (world.form.short ? 64 : 1000) * MB, seconds);
    const answered = (await answeredSoFar(world)) - answeredBefore;
    world.demand(answered > 0, 'no vehicle of the fleet was answered while Kafka was away');
    bulk.setRate(MEANWHILE_BYTES_PER_SECOND);
    await startAllBrokers(world);
    await replayAll(world);
    await spoolSettled(world);
    await judgeBulkLoad(world, bulk, 0);
  },
};

async function killAllBrokers(world: World): Promise<void> {
  world.mark('all brokers killed');
  await Promise.all(world.kafka.brokers.map((broker) => broker.kill()));
}

async function startAllBrokers(world: World): Promise<void> {
  world.mark('all brokers started');
  await Promise.all(world.kafka.brokers.map((broker) => broker.start()));
}

/** Publishes as fast as the spool takes it, until it has so many bytes. */
async function fillSpool(world: World, bulk: BulkLoad, wantedBytes: number, seconds: number): Promise<void> {
  const fromMs = performance.now();
  const before = await world.gateway.metric('edge_spool_bytes');
  bulk.setRate(AS_FAST_AS_ANSWERED);
  let bytes = before;
  while (bytes < wantedBytes && performance.now() - fromMs < seconds * 1000) {
    await delay(100);
    bytes = await world.gateway.metric('edge_spool_bytes');
  }
  world.mark(`${megabytes(bytes)} MB in the spool, written at ${perSecond(bytes - before, fromMs)} MB/s`);
  world.demand(bytes >= wantedBytes, `only ${megabytes(bytes)} MB were in the spool after ${seconds} s`);
}

/** Waits until everything in the spool is on Kafka, what comes in meanwhile included. */
async function replayAll(world: World): Promise<void> {
  await waitFor(async () => (await lookAtSpool(world)).state !== spoolStates.spooling, {
    ...{ deadlineMs: STATE_DEADLINE_MS, everyMs: 50, what: 'the replay to begin' },
  });
  const fromMs = performance.now();
  const backlog = await world.gateway.metric('edge_spool_bytes');
  const writtenBefore = await world.gateway.metric('edge_spool_bytes_written_total');
  world.mark(`the replay of ${megabytes(backlog)} MB begins`);
  await untilSpoolIs(world, spoolStates.direct, REPLAY_DEADLINE_MS);
  const meanwhile = (await world.gateway.metric('edge_spool_bytes_written_total')) - writtenBefore;
  const seconds = ((performance.now() - fromMs) / 1000).toFixed(0);
  const rate = perSecond(backlog + meanwhile, fromMs);
  world.mark(`replayed, with ${megabytes(meanwhile)} MB that came meanwhile, in ${seconds} s: ${rate} MB/s`);
}

function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(0);
}

/** Megabytes per second since `fromMs` on the clock of `performance.now()`. */
function perSecond(bytes: number, fromMs: number): string {
  return (bytes / MB / ((performance.now() - fromMs) / 1000)).toFixed(1);
}
