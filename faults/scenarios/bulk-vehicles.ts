import { randomUUID } from 'node:crypto';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { registerDevices, type TestDevice } from '../../test/support/devices.ts';
import { BulkLoad } from '../bulk/bulk-load.ts';
import { bulkProblems, judgeBulk } from '../bulk/judge-bulk.ts';
import { waitForInSync } from '../injectors/cluster-view.ts';
import type { World } from '../scenario.ts';

export const PAYLOAD_BYTES = 65_536;
const CONNECT_DEADLINE_MS = 30_000;
const DRAIN_DEADLINE_MS = 60_000;

export const AS_FAST_AS_ANSWERED = Number.MAX_SAFE_INTEGER;
/** New large payloads while something else is going on, of all vehicles together. */
export const MEANWHILE_BYTES_PER_SECOND = 2_000_000;

interface BulkWish {
  readonly vehicles: number;
  /** Unanswered publishes of one; bounded in bytes, too, by `mqtt.maxInFlightBytes` in the settings of the gateway. */
  readonly window: number;
}
const usual: BulkWish = { vehicles: 16, window: 12 };

/** Registers vehicles of their own and connects them. They publish nothing until they are given a rate. */
export async function startBulkLoad(world: World, { vehicles, window } = usual): Promise<BulkLoad> {
  const run = randomUUID().slice(0, 8);
  const devices = Array.from(
    { length: vehicles },
    (_, index): TestDevice => ({
      deviceId: `dev-bulk-${run}-${index}`,
      kind: 'vehicle',
      boundTo: `veh-bulk-${run}-${index}`,
    }),
  );
  const secrets = await registerDevices(world.databasePath, devices);
  const load = new BulkLoad({
    port: world.gateway.port,
    vehicles: devices.map(({ deviceId, boundTo }) => ({
      ...{ deviceId, vehicleId: boundTo },
      secret: secrets.get(deviceId) ?? '',
    })),
    payloadBytes: PAYLOAD_BYTES,
    window,
    seed: world.random.integer(2 ** 32),
  });
  try {
    await waitFor(() => load.connected === vehicles, { deadlineMs: CONNECT_DEADLINE_MS, what: 'the bulk vehicles' });
    return load;
  } catch (error) {
    await load[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until every large payload is answered. */
export async function drainBulkLoad(world: World, bulk: BulkLoad): Promise<void> {
  const left = await bulk.drain(DRAIN_DEADLINE_MS);
  world.demand(left === 0, `${left} large payloads were never answered`);
}

/**
 * Waits until every large payload is answered, and reads them all back.
 *
 * @param explained most of them that may be there twice without having been sent again
 */
export async function judgeBulkLoad(world: World, bulk: BulkLoad, explained: number): Promise<void> {
  await drainBulkLoad(world, bulk);
  await waitForInSync(world.kafka.bootstrap, [world.rawTopic]);
  const verdict = await judgeBulk(world.kafka.bootstrap, world.rawTopic, bulk);
  const { acked, lost, outOfOrder, duplicated } = verdict;
  world.mark(`${acked} large payloads answered: ${lost} lost, ${outOfOrder} out of order, ${duplicated} twice`);
  for (const problem of bulkProblems(verdict, bulk.resent + explained)) world.demand(false, problem);
}
