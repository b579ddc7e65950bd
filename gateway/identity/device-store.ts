import type { DeviceKind } from '../core/identity.ts';
import type { Device, DeviceChanges, NewDevice } from './device.ts';
import type { DeviceRegistryError } from './registry-error.ts';

/** Which devices to list; what is left out is not asked for. */
export interface DeviceFilter {
  readonly kind?: DeviceKind | undefined;
  readonly group?: string | undefined;
}

/** Told of changes of the registry, by whomever they were made. Must not throw. */
export interface ChangeListener {
  /** The rows of these devices were changed or removed. */
  changed(deviceIds: readonly string[]): void;
  /** Changes are not seen from now on. */
  lost(error: DeviceRegistryError): void;
  /** Changes are seen from now on. What was read before may be out of date: changes in between are not told. */
  resumed(): void;
}

/**
 * The devices that may connect. Every method rejects with a `DeviceRegistryError` when the database fails; those that
 * change one device resolve to false or undefined, nothing changed, when there is no such device.
 */
export interface DeviceStore {
  /** For messages: a file or an address, without secrets. */
  readonly name: string;
  find(deviceId: string): Promise<Device | undefined>;
  /** Several at once, by their ids; those that are not registered are missing. */
  findAll(deviceIds: readonly string[]): Promise<ReadonlyMap<string, Device>>;
  /** The first `limit` devices behind `afterId` in the order of their ids (by code unit). */
  page(filter: DeviceFilter, afterId: string, limit: number): Promise<readonly Device[]>;
  count(): Promise<number>;
  /** Resolves to false when the id is taken. */
  add(device: NewDevice): Promise<boolean>;
  /** Adds all of them or none. Resolves to those (some of them) whose ids are taken. */
  addAll(devices: readonly NewDevice[]): Promise<readonly string[]>;
  /** Replaces the secret; the old one is worth nothing from then on. */
  rotate(deviceId: string, secretHash: string, rotatedAtMs: number): Promise<boolean>;
  /** Resolves to the row as it was before, which nobody else has changed in between; undefined when there is none. */
  change(deviceId: string, changes: DeviceChanges): Promise<Device | undefined>;
  remove(deviceId: string): Promise<boolean>;
  /** Tells of changes, from `resumed` on, until the store is closed. Called once. */
  watch(listener: ChangeListener): void;
  close(): Promise<void>;
}

const pageSize = 500;

/** All devices that fit the filter, in the order of their ids, read as they are consumed. */
export async function* listDevices(store: DeviceStore, filter: DeviceFilter = {}): AsyncGenerator<Device> {
  for (let afterId = ''; ; ) {
    const devices = await store.page(filter, afterId, pageSize);
    yield* devices;
    const last = devices.at(-1);
    if (last === undefined || devices.length < pageSize) return;
    afterId = last.deviceId;
  }
}

/** At most so many ids are named of those that are taken. */
export const mostTakenNamed = 20;
