import { LRUCache } from 'lru-cache';
import type { Device } from './device.ts';
import type { DeviceStore } from './device-store.ts';
import { DeviceRegistryError } from './registry-error.ts';

/** Where the rows of devices come from when they connect. */
export interface DeviceSource {
  /** Rejects with a `DeviceRegistryError` when the registry fails. */
  find(deviceId: string): Promise<Device | undefined>;
  /** The row of a device that proved itself before, for when `find` fails; undefined when nothing that counts is known. */
  recall?(deviceId: string): Device | undefined;
  /** The device has proved itself to be the one of this row. */
  remember?(device: Device): void;
}

export interface KnownDevicesOptions {
  readonly store: Pick<DeviceStore, 'find'>;
  readonly maxEntries: number;
  readonly ttlSeconds: number;
  /** For how long rows count after changes are seen no more; 0: not at all. */
  readonly offlineGraceMs: number;
  /** Milliseconds that never jump. Default: the process's monotonic clock. */
  readonly monotonicMs?: () => number;
}

/** A row that is being read; a change that is told meanwhile may not be in it. */
interface Reading {
  isOutdated: boolean;
  readers: number;
}

const mostReadings = 5;

/**
 * The registry, and what counts of it while it does not answer: the rows of devices that have proved themselves, each until
 * a change of it is told. No row is ever handed out that was read before a change that is known of.
 */
export class KnownDevices implements DeviceSource {
  readonly #store: Pick<DeviceStore, 'find'>;
  readonly #offlineGraceMs: number;
  readonly #monotonicMs: () => number;
  readonly #rows: LRUCache<string, Device>;
  readonly #readings = new Map<string, Reading>();
  /** Since when changes may be missed; undefined while each one is told. */
  #uncertainSinceMs: number | undefined;

  constructor({ store, maxEntries, ttlSeconds, offlineGraceMs, monotonicMs }: KnownDevicesOptions) {
    this.#store = store;
    this.#offlineGraceMs = offlineGraceMs;
    this.#monotonicMs = monotonicMs ?? (() => performance.now());
    this.#rows = new LRUCache({ max: maxEntries, ttl: ttlSeconds * 1000 });
    this.#uncertainSinceMs = this.#monotonicMs();
  }

  /** Ids of the devices whose rows are remembered. */
  get remembered(): Iterable<string> {
    return this.#rows.keys();
  }

  get size(): number {
    return this.#rows.size;
  }

  /** For how long changes may have been missed; 0 while each one is told. */
  get uncertainMs(): number {
    return this.#uncertainSinceMs === undefined ? 0 : this.#monotonicMs() - this.#uncertainSinceMs;
  }

  /** Whether rows of before count no more: nobody gets in while the registry does not answer. */
  get isGraceOver(): boolean {
    return this.uncertainMs > this.#offlineGraceMs;
  }

  async find(deviceId: string): Promise<Device | undefined> {
    for (let attempt = 0; attempt < mostReadings; attempt += 1) {
      const reading = this.#readings.get(deviceId) ?? { isOutdated: false, readers: 0 };
      this.#readings.set(deviceId, reading);
      reading.readers += 1;
      try {
        const device = await this.#store.find(deviceId);
        if (!reading.isOutdated) return device;
      } finally {
        reading.readers -= 1;
        if (reading.readers === 0 && this.#readings.get(deviceId) === reading) this.#readings.delete(deviceId);
      }
    }
    throw new DeviceRegistryError('registry_busy', `device ${deviceId} changes faster than it can be read`);
  }

  recall(deviceId: string): Device | undefined {
    if (this.#offlineGraceMs === 0 || this.isGraceOver) return undefined;
    return this.#rows.get(deviceId);
  }

  remember(device: Device): void {
    if (this.#offlineGraceMs > 0) this.#rows.set(device.deviceId, device);
  }

  /** Changes of these devices are known of: what was read of them, or is being read, counts no more. */
  forget(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      this.#rows.delete(deviceId);
      const reading = this.#readings.get(deviceId);
      if (reading === undefined) continue;
      reading.isOutdated = true;
      this.#readings.delete(deviceId);
    }
  }

  /** These rows are what the registry holds now, all of the ids asked for: what is remembered otherwise counts no more. */
  compare(deviceIds: readonly string[], rows: ReadonlyMap<string, Device>): void {
    for (const deviceId of deviceIds) {
      const remembered = this.#rows.peek(deviceId);
      if (remembered !== undefined && rows.get(deviceId)?.revision !== remembered.revision) this.#rows.delete(deviceId);
    }
  }

  /** Changes may be missed from now on. */
  becameUncertain(): void {
    this.#uncertainSinceMs ??= this.#monotonicMs();
  }

  /** Changes are told again; what is being read may be older than one that was missed. */
  outdateReadings(): void {
    for (const reading of this.#readings.values()) reading.isOutdated = true;
    this.#readings.clear();
  }

  /** All that is remembered was compared with the registry since changes are told. */
  becameCertain(): void {
    this.#uncertainSinceMs = undefined;
  }
}
