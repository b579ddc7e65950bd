import { randomUUID } from 'node:crypto';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { registerDevices, type TestDevice } from '../../test/support/devices.ts';
import { BulkLoad } from '../bulk/bulk-load.ts';
import type { World } from '../scenario.ts';

const VEHICLES = 16;
/** What a vehicle may have unanswered is bounded in bytes, too; see `listeners` in the settings. */
const WINDOW = 12;
const PAYLOAD_BYTES = 65_536;
const CONNECT_DEADLINE_MS = 30_000;

export const AS_FAST_AS_ANSWERED = Number.MAX_SAFE_INTEGER;

/** Registers vehicles of their own and connects them. They publish nothing until they are given a rate. */
export async function startBulkLoad(world: World): Promise<BulkLoad> {
  const run = randomUUID().slice(0, 8);
  const devices = Array.from(
    { length: VEHICLES },
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
    window: WINDOW,
    seed: world.random.integer(2 ** 32),
  });
  try {
    await waitFor(() => load.connected === VEHICLES, { deadlineMs: CONNECT_DEADLINE_MS, what: 'the bulk vehicles' });
    return load;
  } catch (error) {
    await load[Symbol.asyncDispose]();
    throw error;
  }
}
