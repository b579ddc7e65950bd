import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../deploy/local/wait-for.ts';
import type { BulkLoad } from '../bulk/bulk-load.ts';
import { bulkProblems, judgeBulk } from '../bulk/judge-bulk.ts';
import { waitForInSync } from '../injectors/cluster-view.ts';
import type { Scenario, World } from '../scenario.ts';
import { AS_FAST_AS_ANSWERED, startBulkLoad } from './bulk-vehicles.ts';
import { answeredSoFar } from './demands.ts';

/** As in `edge_spool_state`. */
const DIRECT = 0;
const SPOOLING = 1;
const REPLAYING = 2;

const MB = 1_000_000;
const STATE_DEADLINE_MS = 60_000;
const REPLAY_DEADLINE_MS = 600_000;
const DRAIN_DEADLINE_MS = 60_000;
/** New large payloads while the old ones are replayed, of all vehicles together. */
const MEANWHILE_BYTES_PER_SECOND = 2 * MB;

/** Only so that a replay takes a while, and can be interrupted. */
const replayMaxRecords = 1000;
/**
 * After a crash the replay begins at the cursor: what was replayed since it was last written, and what was under way, is
 * replayed again; and what the spool had taken over from the producer may be on Kafka already. Under way are
 * `replayMaxRecords`, or 8 MiB of large payloads, and one batch, which holds no more than the fleet may have unanswered:
 * 1,600. Nor is it more than what lay in the spool and, once it is replayed, what has just left it.
 */
const duplicatesPerKill = { small: 3 * replayMaxRecords, large: 600 } as const;

const explainedBy = ({ state, records }: SpoolFigures): number =>
  Math.min(duplicatesPerKill.small, state === SPOOLING ? records : records + 2 * replayMaxRecords);

const spool = { mode: 'outage', afterMs: 1000, maxBytes: 4_000_000_000 };

export const spoolBacklog: Scenario = {
  name: 'spool-backlog',
  title: 'A gigabyte in the spool',
  what: 'all brokers are killed until the spool holds 1 GB (64 MB in the short form), answered all the time; then it is replayed while new traffic flows, in order per vehicle',
  longOnly: true,
  settings: { spool },
  // The most that filling the spool may take.
  seconds: { short: 60, long: 300 },
  fault: async (world, seconds) => {
    await using bulk = await startBulkLoad(world);
    await killAllBrokers(world);
    await untilState(world, SPOOLING, STATE_DEADLINE_MS);
    const answeredBefore = await answeredSoFar(world);
    await fillSpool(world, bulk, (world.form.short ? 64 : 1000) * MB, seconds);
    const answered = (await answeredSoFar(world)) - answeredBefore;
    world.demand(answered > 0, 'no vehicle of the fleet was answered while Kafka was away');
    bulk.setRate(MEANWHILE_BYTES_PER_SECOND);
    await startAllBrokers(world);
    await replayAll(world);
    await judgeBulkLoad(world, bulk, 0);
  },
};

export const spoolKill: Scenario = {
  name: 'spool-kill',
  title: 'Gateway killed while it spools and replays',
  what: 'the gateway is cut from Kafka and back, again and again, and killed at random moments: while it spools, before Kafka is back, while it replays, and while it switches back',
  network: 'proxied',
  settings: { spool: { ...spool, afterMs: 300, segmentBytes: 4 * 1024 * 1024, replayMaxRecords } },
  // Each round: how long the spool is filled, about.
  seconds: { short: 1, long: 4 },
  fault: async (world, seconds) => {
    await using bulk = await startBulkLoad(world);
    const rounds = world.form.short ? 1 : 5;
    const kills: SpoolFigures[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      kills.push(...(await spoolKillRound(world, bulk, seconds * 1000)));
    }
    for (const kill of kills) world.explainDuplicates(explainedBy(kill));
    await judgeBulkLoad(world, bulk, kills.length * duplicatesPerKill.large);
  },
};

/** Returns what was in the spool at each kill of the gateway. */
async function spoolKillRound(world: World, bulk: BulkLoad, fillMs: number): Promise<SpoolFigures[]> {
  const kills: SpoolFigures[] = [];
  world.mark('cut from Kafka');
  await Promise.all(world.proxies.map((proxy) => proxy.cut()));
  bulk.setRate(AS_FAST_AS_ANSWERED);
  await untilState(world, SPOOLING, STATE_DEADLINE_MS);
  kills.push(await killSoon(world, 2 * fillMs, 'while it spools'));
  await delay(world.random.between(0.5, 1.5) * fillMs);
  bulk.setRate(MEANWHILE_BYTES_PER_SECOND);
  world.mark('Kafka can be reached');
  await Promise.all(world.proxies.map((proxy) => proxy.heal()));
  kills.push(await killSoon(world, 1000, 'before it replays'));
  await reached(world, ({ state }) => state === REPLAYING);
  kills.push(await killSoon(world, 1000, 'while it replays'));
  const nearlyDone = world.random.integer(3 * replayMaxRecords);
  await reached(world, ({ state, records }) => state === REPLAYING && records <= nearlyDone);
  kills.push(await killSoon(world, 20, 'while it switches back'));
  await untilState(world, DIRECT, REPLAY_DEADLINE_MS);
  return kills;
}

interface SpoolFigures {
  readonly state: number;
  readonly records: number;
}

async function look(world: World): Promise<SpoolFigures> {
  const scrape = await world.gateway.metrics();
  const figure = (name: string): number => scrape.find((sample) => sample.name === name)?.value ?? 0;
  return { state: figure('edge_spool_state'), records: figure('edge_spool_records') };
}

/** Waits for a state that may pass in a moment: when the spool is direct again, it has been missed, and that is all right. */
async function reached(world: World, isReached: (spool: SpoolFigures) => boolean): Promise<void> {
  const holds = async (): Promise<boolean> => {
    const figures = await look(world);
    return isReached(figures) || figures.state === DIRECT;
  };
  await waitFor(holds, { deadlineMs: REPLAY_DEADLINE_MS, everyMs: 5, what: 'the replay' });
}

/** `kill -9` after a random time of at most `withinMs`, and starts it again. Returns what was in the spool then. */
async function killSoon(world: World, withinMs: number, when: string): Promise<SpoolFigures> {
  await delay(world.random.between(0, withinMs));
  const { state, records } = await look(world);
  world.mark(`killed ${when}: ${['direct', 'spooling', 'replaying'][state]}, ${records} records in the spool`);
  await world.gateway.end('SIGKILL');
  await world.gateway.start();
  return { state, records };
}

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
  await waitFor(async () => (await world.gateway.metric('edge_spool_state')) !== SPOOLING, {
    ...{ deadlineMs: STATE_DEADLINE_MS, everyMs: 50, what: 'the replay to begin' },
  });
  const fromMs = performance.now();
  const backlog = await world.gateway.metric('edge_spool_bytes');
  const writtenBefore = await world.gateway.metric('edge_spool_bytes_written_total');
  world.mark(`the replay of ${megabytes(backlog)} MB begins`);
  await untilState(world, DIRECT, REPLAY_DEADLINE_MS);
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

async function untilState(world: World, state: number, deadlineMs: number): Promise<void> {
  await waitFor(async () => (await world.gateway.metric('edge_spool_state')) === state, {
    ...{ deadlineMs, everyMs: 50, what: `the spool to be in state ${state}` },
  });
}

/** Waits until every large payload is answered, and reads them all back. */
async function judgeBulkLoad(world: World, bulk: BulkLoad, explained: number): Promise<void> {
  const left = await bulk.drain(DRAIN_DEADLINE_MS);
  world.demand(left === 0, `${left} large payloads were never answered`);
  await waitForInSync(world.kafka.bootstrap, [world.rawTopic]);
  const verdict = await judgeBulk(world.kafka.bootstrap, world.rawTopic, bulk);
  const { acked, lost, outOfOrder, duplicated } = verdict;
  world.mark(`${acked} large payloads answered: ${lost} lost, ${outOfOrder} out of order, ${duplicated} twice`);
  for (const problem of bulkProblems(verdict, bulk.resent + explained)) world.demand(false, problem);
}
