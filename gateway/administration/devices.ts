import type { DeviceKind } from '../core/identity.ts';
import type { DeviceRow } from '../device-rows/device-row.ts';

/** A device as administration shows it: everything but the hash of its secret. */
export interface AdministeredDevice {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly boundTo: string;
  readonly enabled: boolean;
  /** Names that rules of authorization may go by. */
  readonly groups: readonly string[];
  /** SHA-256 of the one certificate that it may show; undefined: any that is its own. */
  readonly certificateFingerprint: string | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** When the secret was last replaced; undefined if never. */
  readonly rotatedAtMs: number | undefined;
}

export interface NewDevice {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly boundTo: string;
  readonly enabled: boolean;
  readonly groups: readonly string[];
  /** Checked already, see `schemas.ts`. */
  readonly certificateFingerprint: string | undefined;
}

/** What of a device is to be another; what is left out stays. */
export interface DeviceChange {
  readonly enabled?: boolean | undefined;
  readonly kind?: DeviceKind | undefined;
  readonly boundTo?: string | undefined;
  /** null: none. */
  readonly groups?: readonly string[] | null | undefined;
  /** Checked already, see `schemas.ts`. null: none. */
  readonly certificateFingerprint?: string | null | undefined;
}

/** What came of a change for those that are connected. */
export interface Ended {
  /** Connections of the device at this gateway. */
  readonly sessionsEnded: number;
}

export interface ChangedDevice extends Ended {
  readonly before: AdministeredDevice;
  readonly after: AdministeredDevice;
}

export interface DevicePageWish {
  /** Id of the last device that was seen; empty: from the beginning. */
  readonly after: string;
  readonly limit: number;
  readonly kind?: DeviceKind | undefined;
  readonly enabled?: boolean | undefined;
}

export interface DevicePage {
  readonly devices: readonly AdministeredDevice[];
  /** Where to go on; undefined: this was the last page. A page may hold fewer than were wished for, and not be the last. */
  readonly next: string | undefined;
}

export type ImportOutcome =
  | {
      readonly added: number;
      /** Of those that were made. */
      readonly secrets: readonly { readonly deviceId: string; readonly secret: string }[];
    }
  /** Nothing was added. */
  | { readonly problems: readonly { readonly line: number; readonly problem: string }[]; readonly further: number };

/**
 * The registry of devices, as administration uses it. Asynchronous whatever is behind it. What was granted to a device
 * before a change has ended at this gateway when the method that makes it resolves; others find out by themselves.
 *
 * Every method rejects with a `Problem` of kind `registry_unavailable` when the registry fails.
 */
export interface DeviceAdministration {
  /** @returns the new secret; undefined when the id is taken. */
  create(device: NewDevice): Promise<{ readonly device: AdministeredDevice; readonly secret: string } | undefined>;
  /**
   * Adds all of them or none.
   *
   * @param mayCommit asked at the last moment; what it throws leaves nothing added.
   */
  import(rows: AsyncIterable<DeviceRow>, mayCommit: () => void): Promise<ImportOutcome>;
  find(deviceId: string): Promise<AdministeredDevice | undefined>;
  page(wish: DevicePageWish): Promise<DevicePage>;
  /** @returns undefined when there is no such device. */
  change(deviceId: string, change: DeviceChange): Promise<ChangedDevice | undefined>;
  /** @returns the new secret; undefined when there is no such device. */
  rotate(deviceId: string): Promise<(Ended & { readonly secret: string }) | undefined>;
  /** @returns undefined when there is no such device. */
  remove(deviceId: string): Promise<Ended | undefined>;
}
