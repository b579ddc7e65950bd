import { setTimeout as delay } from 'node:timers/promises';
import { breakages } from '../../device-simulator/mqtt/connection.ts';
import type { FaultFleet } from '../fleet/fleet-process.ts';
import { moveLeaders } from '../injectors/partitions.ts';
import type { Timeline } from '../timeline.ts';
import type { SoakOptions } from './options.ts';

/** Resets come in small portions, so that there is never a quiet stretch between them. */
const RESET_EVERY_MS = 5_000;

/** What was done to the system in the course of a soak. */
export interface DisturbanceCounts {
  connectionsReset: number;
  leaderMoves: number;
  /** Partitions that got another leader, over all moves. */
  leadersMoved: number;
  /** Moves that did not come to their end. */
  failedMoves: number;
}

export interface Disturbed {
  readonly bootstrap: readonly string[];
  readonly topic: string;
  readonly fleet: FaultFleet;
  readonly timeline: Timeline;
}

/**
 * Resets connections and moves leaders until `signal`; then ends what is under way.
 *
 * @throws {FleetError} when the fleet is gone
 */
export async function disturb(
  system: Disturbed,
  options: SoakOptions,
  signal: AbortSignal,
): Promise<DisturbanceCounts> {
  const counts: DisturbanceCounts = { connectionsReset: 0, leaderMoves: 0, leadersMoved: 0, failedMoves: 0 };
  await Promise.all([
    resetConnections(system, options, counts, signal),
    moveAllLeaders(system, options, counts, signal),
  ]);
  return counts;
}

async function resetConnections(
  { fleet }: Disturbed,
  { resetSharePerMinute }: SoakOptions,
  counts: DisturbanceCounts,
  signal: AbortSignal,
): Promise<void> {
  const share = (resetSharePerMinute * RESET_EVERY_MS) / 60_000;
  for (let turn = 0; await pause(RESET_EVERY_MS, signal); turn += 1) {
    const mode = breakages[turn % breakages.length] ?? 'plain';
    counts.connectionsReset += await fleet.resetConnections({ share, mode });
  }
}

async function moveAllLeaders(
  { bootstrap, topic, timeline }: Disturbed,
  { leaderMoveEveryS }: SoakOptions,
  counts: DisturbanceCounts,
  signal: AbortSignal,
): Promise<void> {
  while (await pause(leaderMoveEveryS * 1000, signal)) {
    timeline.mark('fault', 'leaders move');
    try {
      counts.leadersMoved += await moveLeaders(bootstrap, topic);
      counts.leaderMoves += 1;
    } catch (error) {
      // A move that Kafka refuses or does not finish is no reason to end a long run: it is counted, and told at the end.
      counts.failedMoves += 1;
      timeline.mark('fault', `move failed: ${error instanceof Error ? error.message.slice(0, 100) : String(error)}`);
    }
  }
}

/** False when `signal` ended it. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
