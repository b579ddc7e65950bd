import type { DeviceStore } from './device-store.ts';
import type { PostgresSettings } from './postgres/connection.ts';
import { DeviceRegistry, type RegistryOptions } from './registry.ts';

/** Where the registry is. */
export interface StoreSettings {
  readonly store: 'sqlite' | 'postgres';
  readonly databasePath: string;
  readonly postgres: PostgresSettings;
}

/**
 * Opens the registry, made when missing.
 *
 * @throws {DeviceRegistryError}
 */
export async function openDeviceStore(settings: StoreSettings, options: RegistryOptions): Promise<DeviceStore> {
  if (settings.store === 'sqlite') return DeviceRegistry.open(settings.databasePath, options);
  // Its library is not loaded for a registry in a file.
  const { PostgresDeviceStore } = await import('./postgres/store.ts');
  return PostgresDeviceStore.open(settings.postgres, { make: true });
}
