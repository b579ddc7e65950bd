import { writeDevicesCsv } from '../device-simulator/config/credentials.ts';
import type { Device } from '../device-simulator/core/fleet.ts';
import { importDevices } from '../gateway/identity/import-devices.ts';
import { DeviceRegistry } from '../gateway/identity/registry.ts';
import { simulationCost } from '../gateway/identity/secret-hash.ts';

/**
 * Registers a fleet with random secrets, and writes the CSV file from which the simulator takes them.
 *
 * @returns the secrets by device id
 */
export async function registerFleet(
  databasePath: string,
  devicesCsv: string,
  fleet: readonly Device[],
): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  const registry = DeviceRegistry.open(databasePath, { busyTimeoutMs: 5_000 });
  try {
    const result = await importDevices(registry, fleet, {
      cost: simulationCost,
      onGenerated: (deviceId, secret) => secrets.set(deviceId, secret),
    });
    if ('problems' in result) throw new Error(`the fleet cannot be registered: ${JSON.stringify(result.problems)}`);
  } finally {
    await registry.close();
  }
  await writeDevicesCsv(devicesCsv, fleet, secrets);
  return secrets;
}
