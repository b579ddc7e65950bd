import { type DeviceKind, type Identity, maxGroupBytes, maxGroups } from '../core/identity.ts';

/** A device that is to be registered. */
export interface NewDevice {
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
  /** Names that rules of authorization may go by. */
  readonly groups?: readonly string[];
  /** SHA-256 of the one certificate that it may show, see `parseFingerprint`; undefined: any that is its own. */
  readonly certificateFingerprint?: string | undefined;
}

/** One registered device, as the registry holds it. */
export interface Device extends NewDevice {
  readonly groups: readonly string[];
  readonly certificateFingerprint: string | undefined;
  /** Another number after each change of the row, also when the device was removed and registered again. */
  readonly revision: number;
}

/** What may be changed of a device beside its secret; what is left out stays. */
export interface DeviceChanges {
  readonly enabled?: boolean | undefined;
  readonly kind?: DeviceKind | undefined;
  readonly boundTo?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  /** null: any certificate of its own will do again. */
  readonly certificateFingerprint?: string | null | undefined;
}

/** What a device that has proved itself is to the rest of the gateway. */
export const identityOf = ({ deviceId, kind, boundTo, groups, revision }: Device): Identity => ({
  deviceId,
  kind,
  boundTo,
  // Both left out where they say nothing: most devices have neither groups nor a change.
  groups: groups.length === 0 ? undefined : groups,
  revision: revision === 0 ? undefined : revision,
});

const usableId = /^[A-Za-z0-9._:@~-]{1,128}$/;

/**
 * Whether `id` may name a device, vehicle or bay. Such an id becomes a level of MQTT topics, a record key and part of
 * a CloudEvents id, so it holds neither separators and wildcards of topics nor white space.
 */
export const isUsableId = (id: string): boolean => usableId.test(id);

export const usableIdRule = '1 to 128 letters, digits or . _ : @ ~ -';

const usableGroup = new RegExp(`^[A-Za-z0-9._:@~-]{1,${maxGroupBytes}}$`);

/** Checks names of groups, and puts them in order, each once; undefined when there are too many, or one can't be used. */
export function parseGroups(names: readonly string[]): readonly string[] | undefined {
  const groups = [...new Set(names)].sort();
  return groups.length <= maxGroups && groups.every((name) => usableGroup.test(name)) ? groups : undefined;
}

export const usableGroupsRule = `at most ${maxGroups} names of 1 to ${maxGroupBytes} letters, digits or . _ : @ ~ -`;

/** A fingerprint as `openssl x509 -fingerprint -sha256` prints it, or without colons; undefined when it is none. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}

export const fingerprintRule = 'the SHA-256 of a certificate, 64 hexadecimal digits, colons allowed';
