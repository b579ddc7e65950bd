import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Screen } from '../../device-simulator/report/screen.ts';
import { FaultFleet, type FleetSample } from '../fleet/fleet-process.ts';
import type { GatewayUnderTest } from '../gateway-under-test.ts';
import type { Topics } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { Timeline } from '../timeline.ts';
import { type DisturbanceCounts, disturb } from './disturbances.ts';
import type { MemorySample } from './memory/sample.ts';
import { watchMemory } from './memory/watch.ts';
import type { SoakOptions } from './options.ts';
import { stallKafka } from './start-up.ts';

/** Invalid on purpose: dead letters are part of the traffic. */
const REJECT_SHARE = 0.002;
const QOS2_SHARE = 0.02;
/** Unanswered publishes of a vehicle: several seconds of its traffic. */
const WINDOW = 64;
/** For what is outstanding when the load ends: a move of leaders may just be under way. */
const DRAIN_DEADLINE_MS = 60_000;

/** A gateway that runs, and what it writes to. */
export interface SoakBed {
  readonly stage: Stage;
  readonly gateway: GatewayUnderTest;
  readonly topics: Topics;
  readonly ledgerFile: string;
}

export interface SoakLoad {
  readonly timeline: Timeline;
  readonly startedAtMs: number;
  readonly seconds: number;
  readonly disturbances: DisturbanceCounts;
  readonly memorySamples: readonly MemorySample[];
  /** Still drained and connected: to be asked for its summary, and to be closed. */
  readonly fleet: FaultFleet;
}

/**
 * Lets a fleet publish for the wished time while connections are reset and leaders move, and waits until everything is
 * answered.
 *
 * @throws {Error} when the gateway or the fleet ends in between
 */
export async function runLoad(bed: SoakBed, options: SoakOptions, screen: Screen): Promise<SoakLoad> {
  const timeline = new Timeline();
  const memorySamples: MemorySample[] = [];
  const fleet = await FaultFleet.start({
    ...{ vehicles: options.vehicles, ratePerSecond: options.rate, seed: options.seed, ledgerFile: bed.ledgerFile },
    ...{ rejectShare: REJECT_SHARE, qos2Share: QOS2_SHARE, version: 'mixed', window: WINDOW },
    addresses: [{ host: '127.0.0.1', port: bed.gateway.port }],
    devicesCsv: bed.stage.devicesCsv,
  });
  const startedAtMs = Date.now();
  timeline.mark('phase', 'load');
  fleet.on('sample', (sample) => {
    timeline.samples.push(sample);
    screen.update(progress(sample, (sample.atMs - startedAtMs) / 1000, options, memorySamples.at(-1)));
  });
  const over = new AbortController();
  const memoryWatch = watchMemory(bed.gateway, startedAtMs, memorySamples, over.signal);
  try {
    const system = { bootstrap: bed.stage.kafka.bootstrap, topic: bed.topics.events, fleet, timeline };
    const ended = new AbortController();
    const [disturbances] = await Promise.all([
      disturb(system, options, ended.signal),
      stallKafka(bed.stage.kafka.brokers, options.minutes * 60, timeline, ended.signal),
      whileAlive(bed.gateway, fleet, options.minutes * 60_000).finally(() => ended.abort()),
    ]);
    const seconds = (Date.now() - startedAtMs) / 1000;
    timeline.mark('phase', 'drain');
    const left = await fleet.drain(DRAIN_DEADLINE_MS);
    if (left > 0) screen.print(`${left} publishes have no answer after ${DRAIN_DEADLINE_MS / 1000} s`);
    return { timeline, startedAtMs, seconds, disturbances, memorySamples, fleet };
  } catch (error) {
    await fleet.kill();
    throw error;
  } finally {
    over.abort();
    await memoryWatch;
  }
}

export function ledgerIn(stage: Stage): string {
  return join(stage.folder, 'soak.ledger');
}

/** Waits for the time to pass; ends early, with an error, when there is nothing left to measure. */
async function whileAlive(gateway: GatewayUnderTest, fleet: FaultFleet, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  for (let leftMs = forMs; leftMs > 0; leftMs = endMs - performance.now()) {
    await delay(Math.min(leftMs, 500));
    if (!gateway.running) throw new Error(`the gateway ended: ${JSON.stringify(gateway.log.slice(-5))}`);
    if (fleet.child.exitCode !== null || fleet.child.signalCode !== null) throw new Error('the fleet ended');
  }
}

function progress(
  sample: FleetSample,
  seconds: number,
  { minutes, rate }: SoakOptions,
  memory: MemorySample | undefined,
): string[] {
  const clock = (value: number): string =>
    `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, '0')}`;
  const mb = (bytes = 0): string => (bytes / 1e6).toFixed(0);
  return [
    `${clock(seconds)} of ${clock(minutes * 60)}`,
    `${sample.acked + sample.rejected} of ${rate}/s answered`,
    `p99 ${sample.p99Ms.toFixed(0)} ms`,
    `${sample.outstanding} outstanding`,
    `${sample.connected} connected`,
    `gateway ${mb(memory?.rss)} MB, heap ${mb(memory?.heapUsed)} MB`,
  ];
}
