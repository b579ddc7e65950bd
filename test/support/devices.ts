import { join } from 'node:path';
import { derivedSecret, writeDevicesCsv } from '../../device-simulator/config/credentials.ts';
import { createFleet, type Device } from '../../device-simulator/core/fleet.ts';
import type { DeviceKind } from '../../gateway/core/identity.ts';
import { type ImportRow, importDevices } from '../../gateway/identity/import-devices.ts';
import { DeviceRegistry } from '../../gateway/identity/registry.ts';
import { simulationCost } from '../../gateway/identity/secret-hash.ts';

export interface TestDevice {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly boundTo: string;
  readonly groups?: readonly string[];
}

/** Registers devices in a real registry file. Returns their generated secrets by device id. */
export async function registerDevices(
  databasePath: string,
  devices: readonly TestDevice[],
  cost = simulationCost,
): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  await importAll(databasePath, devices, (deviceId, secret) => secrets.set(deviceId, secret), cost);
  return secrets;
}

/** Registers the devices of a simulated fleet. Returns the CSV file that `simulate --devices-csv` takes. */
export async function registerFleet(
  databasePath: string,
  { vehicles, bays, folder }: { vehicles: number; bays: number; folder: string },
): Promise<string> {
  const fleet: readonly Device[] = createFleet({ vehicles, bays, runId: 1 });
  const secrets = new Map(fleet.map(({ deviceId }) => [deviceId, derivedSecret('test', deviceId)]));
  await importAll(
    databasePath,
    fleet.map(({ deviceId, kind, boundTo }) => ({ deviceId, kind, boundTo, secret: secrets.get(deviceId) })),
  );
  const csv = join(folder, 'devices.csv');
  await writeDevicesCsv(csv, fleet, secrets);
  return csv;
}

async function importAll(
  databasePath: string,
  rows: readonly ImportRow[],
  onGenerated?: (deviceId: string, secret: string) => void,
  cost = simulationCost,
): Promise<void> {
  const registry = DeviceRegistry.open(databasePath, { busyTimeoutMs: 5000 });
  try {
    const result = await importDevices(registry, rows, {
      cost,
      ...(onGenerated === undefined ? {} : { onGenerated }),
    });
    if ('problems' in result) throw new Error(JSON.stringify(result));
  } finally {
    await registry.close();
  }
}
