import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewDevice } from '../../../gateway/identity/device.ts';
import { DeviceRegistry } from '../../../gateway/identity/registry.ts';
import { hashSecret, simulationCost } from '../../../gateway/identity/secret-hash.ts';

/** A folder of its own for registry files, gone when disposed. */
export class RegistryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'identity-test-'));
  readonly #open: DeviceRegistry[] = [];

  file(name = 'devices.sqlite'): string {
    return join(this.path, name);
  }

  open(name?: string): DeviceRegistry {
    const registry = DeviceRegistry.open(this.file(name), { busyTimeoutMs: 5000 });
    this.#open.push(registry);
    return registry;
  }

  [Symbol.dispose](): void {
    for (const registry of this.#open) void registry.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A vehicle's device with a cheap hash of `secret`. */
export const makeDevice = async (
  deviceId: string,
  secret: string,
  changes: Partial<NewDevice> = {},
): Promise<NewDevice> => ({
  deviceId,
  kind: 'vehicle',
  boundTo: `veh-${deviceId}`,
  secretHash: await hashSecret(secret, simulationCost),
  enabled: true,
  createdAtMs: 1_700_000_000_000,
  rotatedAtMs: undefined,
  ...changes,
});
