import { setImmediate as otherTurns, setTimeout as pause } from 'node:timers/promises';
import type { Identity } from '../core/identity.ts';
import { identityOf } from './device.ts';
import type { ChangeListener, DeviceStore } from './device-store.ts';
import type { KnownDevices } from './known-devices.ts';
import type { WatchObserver } from './observer.ts';
import { DeviceRegistryError } from './registry-error.ts';

export interface DeviceWatchOptions {
  readonly store: Pick<DeviceStore, 'findAll'>;
  readonly known: KnownDevices;
  /** The devices that have a connection or a session. */
  readonly live: () => Iterable<string>;
  /** Ends what was granted to devices as they were before; undefined: may not connect any more. Returns how many. */
  readonly use: (now: ReadonlyMap<string, Identity | undefined>) => number;
  readonly observer: WatchObserver;
  /** Pause before a reading that failed is tried again. Default 500. */
  readonly retryMs?: number;
}

const mostAtOnce = 500;
/** Beyond it all live devices are read instead, which is bounded by the limits of connections and sessions. */
const mostDirty = 50_000;

/**
 * Sees to it that a change of the registry holds for those that are connected. A change that is told is a hint: what
 * counts is the row that is read then. After a time in which changes may have been missed, the rows of all live devices
 * are read and compared by their revisions.
 */
export class DeviceWatch implements ChangeListener {
  readonly #options: DeviceWatchOptions;
  /** Devices whose rows are to be read. */
  readonly #dirty = new Set<string>();
  readonly #closing = new AbortController();
  #isAllDirty = false;
  #isLost = true;
  /** Everything dirty since changes are told is among `#dirty`: certain again when that is empty. */
  #isCatchingUp = false;
  #isReading = false;

  constructor(options: DeviceWatchOptions) {
    this.#options = options;
  }

  /** Whether changes are told. */
  get isWatching(): boolean {
    return !this.#isLost;
  }

  changed(deviceIds: readonly string[]): void {
    const { known, observer } = this.#options;
    known.forget(deviceIds);
    observer.changesSeen(deviceIds.length);
    for (const deviceId of deviceIds) this.#dirty.add(deviceId);
    if (this.#dirty.size > mostDirty) {
      this.#dirty.clear();
      this.#isAllDirty = true;
    }
    void this.#readDirty();
  }

  /**
   * A change that was made here: holds when this resolves, without being told of it. What can't be read now is read later,
   * and until then the device has no session here.
   *
   * It reads for itself, not in its turn: other readings may wait for the registry for as long as it takes. Should it be
   * older than one that was used meanwhile, a device is cut once more, and comes back.
   *
   * @returns how many connections were ended.
   */
  async changedHere(deviceId: string): Promise<number> {
    this.#options.known.forget([deviceId]);
    const ended = await this.#read([deviceId]);
    if (ended !== undefined) return ended;
    void this.#readDirty();
    // It may have lost every right. Who has not comes back when the registry can say so.
    return this.#options.use(new Map([[deviceId, undefined]]));
  }

  lost(error: DeviceRegistryError): void {
    const { known, observer } = this.#options;
    this.#isLost = true;
    this.#isCatchingUp = false;
    known.becameUncertain();
    observer.watchLost(error.code, error.message);
  }

  resumed(): void {
    this.#isLost = false;
    this.#isAllDirty = true;
    this.#options.known.outdateReadings();
    void this.#readDirty();
  }

  close(): void {
    this.#closing.abort();
  }

  /** One reading at a time: a later one must not be overtaken by an earlier one. */
  async #readDirty(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.#closing.signal.aborted) {
      const deviceIds = this.#nextDirty();
      if (deviceIds.length === 0) break;
      if ((await this.#read(deviceIds)) !== undefined) {
        // A registry in a file answers at once: a large fleet must not hold up the event loop.
        await otherTurns();
        continue;
      }
      // Without the server there is no use in trying: `resumed` goes on with it.
      if (this.#isLost) break;
      await pause(this.#options.retryMs ?? 500, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
    this.#isReading = false;
    if (this.#isCatchingUp && this.#dirty.size === 0) this.#caughtUp();
  }

  #nextDirty(): string[] {
    const { live, known } = this.#options;
    if (this.#isAllDirty) {
      this.#isAllDirty = false;
      this.#isCatchingUp = !this.#isLost;
      for (const deviceId of live()) this.#dirty.add(deviceId);
      for (const deviceId of known.remembered) this.#dirty.add(deviceId);
    }
    const next: string[] = [];
    for (const deviceId of this.#dirty) {
      if (next.push(deviceId) === mostAtOnce) break;
    }
    for (const deviceId of next) this.#dirty.delete(deviceId);
    return next;
  }

  /** @returns how many connections were ended; undefined when the rows could not be read. */
  async #read(deviceIds: readonly string[]): Promise<number | undefined> {
    const { store, known, use, observer } = this.#options;
    try {
      const rows = await store.findAll(deviceIds);
      known.compare(deviceIds, rows);
      const now = new Map<string, Identity | undefined>();
      for (const deviceId of deviceIds) {
        const device = rows.get(deviceId);
        now.set(deviceId, device?.enabled === true ? identityOf(device) : undefined);
      }
      const ended = use(now);
      if (ended > 0) observer.connectionsEnded(ended);
      return ended;
    } catch (error) {
      for (const deviceId of deviceIds) this.#dirty.add(deviceId);
      const code = error instanceof DeviceRegistryError ? error.code : 'registry_failed';
      observer.registryFailed(code, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #caughtUp(): void {
    this.#isCatchingUp = false;
    this.#options.known.becameCertain();
    this.#options.observer.watchResumed();
  }
}
