import { setTimeout as delay } from 'node:timers/promises';
import type { BulkLoad } from '../bulk/bulk-load.ts';
import type { World } from '../scenario.ts';
import { AS_FAST_AS_ANSWERED, PAYLOAD_BYTES, startBulkLoad } from './bulk-vehicles.ts';

const MIB = 1024 * 1024;
const HARD_BYTES = 16 * MIB;
const BEFORE_MS = 1500;

/** Settings of the section `kafka` under which a flood is many times what may be unsettled. */
export const tightWatermarks = { softBytes: HARD_BYTES / 2, hardBytes: HARD_BYTES } as const;

/** 192 MiB without an answer; the share of one connection is no limit to it. */
const flood = { vehicles: 64, window: 48 } as const;
export const floodShare = { maxInFlightBytes: 4 * MIB } as const;

/**
 * Vehicles with large payloads, as fast as they are answered, a moment before the fault and during it: a gateway that
 * takes whatever it is sent holds twelve times what the watermarks allow.
 */
export async function startFlood(world: World): Promise<BulkLoad> {
  const bulk = await startBulkLoad(world, flood);
  bulk.setRate(AS_FAST_AS_ANSWERED);
  // What is quiet memory is that under the same load.
  await delay(BEFORE_MS);
  return bulk;
}

/** Demands that far more waits for an answer than the gateway may hold; to be called while nothing is answered. */
export function demandFlood(world: World, bulk: BulkLoad): void {
  const waitingBytes = bulk.outstanding * PAYLOAD_BYTES;
  world.demand(waitingBytes > 4 * HARD_BYTES, `only ${waitingBytes} bytes were waiting: there was no flood`);
}
