import type { DeviceKind } from '../core/identity.ts';

/** One registered device, as the registry holds it. */
export interface Device {
  /** The MQTT user name. */
  readonly deviceId: string;
  readonly kind: DeviceKind;
  /** Id of the vehicle or bay that it is bound to: the only one that it may publish for. */
  readonly boundTo: string;
  /** See `secret-hash.ts` for the format. */
  readonly secretHash: string;
  readonly enabled: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** When the secret was last replaced, milliseconds since the epoch; undefined if never. */
  readonly rotatedAtMs: number | undefined;
}

const usableId = /^[A-Za-z0-9._:@~-]{1,128}$/;

/**
 * Whether `id` may name a device, vehicle or bay. Such an id becomes a level of MQTT topics, a record key and part of
 * a CloudEvents id, so it holds neither separators and wildcards of topics nor white space.
 */
export const isUsableId = (id: string): boolean => usableId.test(id);

export const usableIdRule = '1 to 128 letters, digits or . _ : @ ~ -';
