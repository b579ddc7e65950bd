import type { GatewayConfig } from './config/schema.ts';
import type { Identity } from './core/identity.ts';
import type { DeviceStore } from './identity/device-store.ts';
import { DeviceWatch } from './identity/device-watch.ts';
import { type DeviceSource, KnownDevices } from './identity/known-devices.ts';
import { openDeviceStore } from './identity/open-store.ts';
import { DeviceRegistryError, type DeviceRegistryErrorCode } from './identity/registry-error.ts';
import type { Observability } from './observability/observability.ts';
import type { Condition } from './readiness.ts';
import { retryUntil } from './retry-until.ts';

/** How long the event loop may wait for another process's write to a registry in a file. */
const busyTimeoutMs = 250;

const transient: ReadonlySet<DeviceRegistryErrorCode> = new Set([
  'registry_unreachable',
  'registry_timeout',
  'registry_busy',
  // A person may mend a password or a privilege.
  'registry_refused',
]);

/** Whose connections and sessions end when the registry changes. */
interface Served {
  readonly devices: Iterable<string>;
  useDevices(now: ReadonlyMap<string, Identity | undefined>): number;
}

/** The device registry: what is asked of it, what is known of it while it does not answer, and what its changes bring about. */
export class DevicePath {
  readonly #config: GatewayConfig;
  readonly #observability: Observability;
  #store: DeviceStore | undefined;
  #known: KnownDevices | undefined;
  #watch: DeviceWatch | undefined;

  constructor(config: GatewayConfig, observability: Observability) {
    this.#config = config;
    this.#observability = observability;
  }

  /** Undefined before `open`, and where every listener is anonymous. */
  get store(): DeviceStore | undefined {
    return this.#store;
  }

  /** What CONNECT is judged by. */
  get source(): DeviceSource | undefined {
    return this.#known;
  }

  /** Opens the registry; a server is waited for as long as it takes. Resolves to false when `signal` was aborted meanwhile. */
  async open(signal: AbortSignal): Promise<boolean> {
    const { listeners, identity } = this.#config;
    if (!listeners.some(({ auth }) => auth === 'registry')) return true;
    this.#store = await retryUntil(signal, {
      attempt: () => openDeviceStore(identity, { busyTimeoutMs }),
      isTransient: (error) => error instanceof DeviceRegistryError && transient.has(error.code),
      onRetry: (error) => this.#observability.lifecycle.startDelayed('device_registry', error),
    });
    if (this.#store === undefined) return false;
    this.#known = new KnownDevices({
      store: this.#store,
      maxEntries: identity.cacheMaxEntries,
      ttlSeconds: identity.cacheTtlSeconds,
      offlineGraceMs: identity.offlineGraceSeconds * 1000,
    });
    return !signal.aborted;
  }

  /** From now on a change of the registry ends what was granted before it. */
  serve(mqtt: Served): void {
    const [store, known] = [this.#store, this.#known];
    if (store === undefined || known === undefined) return;
    const observer = this.#observability.registry;
    const watch = new DeviceWatch({
      store,
      known,
      live: () => mqtt.devices,
      use: (now) => mqtt.useDevices(now),
      observer,
    });
    this.#watch = watch;
    this.#observability.watch(
      {
        name: 'edge_identity_registry_reachable',
        help: '1: changes of the device registry are seen. 0: it does not answer; devices that proved themselves before may connect.',
        read: () => (watch.isWatching ? 1 : 0),
      },
      {
        name: 'edge_identity_registry_uncertain_seconds',
        help: 'For how long changes of the device registry may have been missed; 0 while each one is seen.',
        read: () => known.uncertainMs / 1000,
      },
      {
        name: 'edge_identity_known_devices',
        help: 'Devices that may connect while the registry does not answer.',
        read: () => known.size,
      },
    );
    store.watch(watch);
  }

  /**
   * A change of a device was made here: ends what was granted before it, at once.
   *
   * @returns how many connections were ended.
   */
  async endChanged(deviceId: string): Promise<number> {
    return (await this.#watch?.changedHere(deviceId)) ?? 0;
  }

  /** Not before nobody can get in: a registry that is down is down for every gateway, and most devices are known. */
  conditions(): Condition[] {
    return [
      {
        reason: 'device_registry_unreachable',
        holds: () => this.#watch?.isWatching === false && this.#known?.isGraceOver === true,
      },
    ];
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#store?.close();
  }
}
