import type {
  AdministeredDevice,
  ChangedDevice,
  DeviceAdministration,
  DeviceChange,
  DevicePage,
  DevicePageWish,
  Ended,
  ImportOutcome,
  NewDevice,
} from './administration/devices.ts';
import { Problem } from './administration/problem.ts';
import type { DeviceRow } from './device-rows/device-row.ts';
import { type DeviceChanges, parseFingerprint, parseGroups } from './identity/device.ts';
import type { DeviceStore } from './identity/device-store.ts';
import { importDevices } from './identity/import-devices.ts';
import { DeviceRegistryError } from './identity/registry-error.ts';
import { generateSecret, hashSecret } from './identity/secret-hash.ts';

/** Devices looked at in one go, when a filter lets few of them through; then others have their turn. */
const scannedAtOnce = 1000;
/** Devices looked at for one page; a page that has not found enough by then is short. */
const mostScanned = 20_000;

export interface AdministeredDevicesOptions {
  /** Ends what was granted to a device before a change; resolves to how many connections. */
  readonly endChanged: (deviceId: string) => Promise<number>;
  /** Told what the registry says; whoever asked is not. */
  readonly failed: (error: unknown) => void;
}

/**
 * The device registry for administration: what it knows of the registry is in this file alone. Secrets are hashed as those
 * of the `devices` command, generated ones too: were hashes of two costs in one registry, the time of an answer would tell
 * which user names exist.
 */
export class AdministeredDevices implements DeviceAdministration {
  readonly #registry: DeviceStore;
  readonly #options: AdministeredDevicesOptions;

  constructor(registry: DeviceStore, options: AdministeredDevicesOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  create({ groups, certificateFingerprint: fingerprint = '', ...device }: NewDevice) {
    return this.#guard(async () => {
      const secret = generateSecret();
      const secretHash = await hashSecret(secret);
      const named = { groups: parseGroups(groups) ?? [], certificateFingerprint: parseFingerprint(fingerprint) };
      const registered = { ...device, ...named, secretHash, createdAtMs: Date.now(), rotatedAtMs: undefined };
      const added = await this.#registry.add(registered);
      return added ? { device: shown(registered), secret } : undefined;
    });
  }

  import(rows: AsyncIterable<DeviceRow>, mayCommit: () => void): Promise<ImportOutcome> {
    return this.#guard(async () => {
      const secrets: { deviceId: string; secret: string }[] = [];
      const result = await importDevices(this.#registry, rows, {
        workers: 1,
        onGenerated: (deviceId, secret) => secrets.push({ deviceId, secret }),
        beforeCommit: async () => mayCommit(),
      });
      return 'added' in result ? { added: result.added, secrets } : result;
    });
  }

  find(deviceId: string): Promise<AdministeredDevice | undefined> {
    return this.#guard(async () => {
      const device = await this.#registry.find(deviceId);
      return device === undefined ? undefined : shown(device);
    });
  }

  page({ after, limit, kind, enabled }: DevicePageWish): Promise<DevicePage> {
    return this.#guard(async () => {
      const devices: AdministeredDevice[] = [];
      let cursor = after;
      for (let scanned = 0; scanned < mostScanned; scanned += scannedAtOnce) {
        const part = await this.#registry.page({ kind }, cursor, scannedAtOnce);
        for (const device of part) {
          if (devices.length === limit) return { devices, next: cursor };
          cursor = device.deviceId;
          if ((enabled ?? device.enabled) === device.enabled) devices.push(shown(device));
        }
        if (part.length < scannedAtOnce) return { devices, next: undefined };
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { devices, next: cursor };
    });
  }

  change(deviceId: string, change: DeviceChange): Promise<ChangedDevice | undefined> {
    return this.#guard(async () => {
      const changes = changesOf(change);
      const before = await this.#registry.change(deviceId, changes);
      if (before === undefined) return undefined;
      const sessionsEnded = await this.#options.endChanged(deviceId);
      return { before: shown(before), after: changed(shown(before), changes), sessionsEnded };
    });
  }

  rotate(deviceId: string): Promise<(Ended & { readonly secret: string }) | undefined> {
    return this.#guard(async () => {
      const secret = generateSecret();
      const secretHash = await hashSecret(secret);
      if (!(await this.#registry.rotate(deviceId, secretHash, Date.now()))) return undefined;
      return { secret, sessionsEnded: await this.#options.endChanged(deviceId) };
    });
  }

  remove(deviceId: string): Promise<Ended | undefined> {
    return this.#guard(async () => {
      if (!(await this.#registry.remove(deviceId))) return undefined;
      return { sessionsEnded: await this.#options.endChanged(deviceId) };
    });
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceRegistryError)) throw error;
      this.#options.failed(error);
      throw new Problem('registry_unavailable', 'the log of the gateway says why; try again later');
    }
  }
}

/** As the registry takes it. Throws where a value is none that it takes: left out, it would mean that it stays. */
function changesOf({
  enabled,
  kind,
  boundTo,
  groups,
  certificateFingerprint: fingerprint,
}: DeviceChange): DeviceChanges {
  const names = parseGroups(groups ?? []);
  const digits = parseFingerprint(fingerprint ?? '');
  if (names === undefined || (typeof fingerprint === 'string' && digits === undefined)) {
    throw new Problem('invalid_request', 'groups or certificateFingerprint are not as /openapi.json says');
  }
  return {
    enabled,
    kind,
    boundTo,
    groups: groups === undefined ? undefined : names,
    certificateFingerprint: fingerprint === null ? null : digits,
  };
}

/** What a device is after a change. */
function changed(before: AdministeredDevice, changes: DeviceChanges): AdministeredDevice {
  const { enabled, kind, boundTo, groups, certificateFingerprint: fingerprint } = changes;
  return {
    ...before,
    enabled: enabled ?? before.enabled,
    kind: kind ?? before.kind,
    boundTo: boundTo ?? before.boundTo,
    groups: groups ?? before.groups,
    certificateFingerprint: fingerprint === undefined ? before.certificateFingerprint : (fingerprint ?? undefined),
  };
}

const shown = (device: AdministeredDevice): AdministeredDevice => {
  const { deviceId, kind, boundTo, enabled, groups, certificateFingerprint, createdAtMs, rotatedAtMs } = device;
  return { deviceId, kind, boundTo, enabled, groups, certificateFingerprint, createdAtMs, rotatedAtMs };
};
