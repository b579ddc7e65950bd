import type { DeviceRegistryErrorCode } from './registry-error.ts';

/** Why a CONNECT was not let in. */
export const refusals = [
  /** Unknown user, wrong password, or a token that does not count; which of them is told to nobody. */
  'bad_credentials',
  /** The right password of a disabled device. */
  'not_authorized',
  /** The registry can't be read and the device is not known from before, or the registry holds a hash that can't be used; or there are no keys to check a token with. */
  'server_unavailable',
  /** Too many others wait for the registry, or for their passwords or tokens to be verified. */
  'server_busy',
  /** Not even looked at, as that would have cost a hash: this login, or its address, has failed too often. */
  'rate_exceeded',
] as const;
export type Refusal = (typeof refusals)[number];

/** What became of a password that was to be verified. */
export const passwordVerdicts = [
  'right',
  'wrong',
  /** There was no room for it. */
  'busy',
  /** The registry holds a hash that can't be used. */
  'unusable',
] as const;
export type PasswordVerdict = (typeof passwordVerdicts)[number];

/** How credentials were found right. */
export type Verification =
  | 'anonymous'
  | 'cached'
  | 'hashed'
  | 'certificate'
  | 'token'
  /** By what was known of the device from before: the registry did not answer. */
  | 'recalled';

/** What the identity edge tells observability. */
export interface IdentityObserver {
  authenticated(verification: Verification): void;
  /** `deviceId`: the user name if it could be a device's id, else empty. */
  refused(refusal: Refusal, listener: string, deviceId: string): void;
  /** The password of a login that was refused as banned was verified afterwards. */
  bannedVerified(verdict: PasswordVerdict): void;
  /** `hash_failed`: the registry has answered, and the hash could not be computed. */
  registryFailed(code: DeviceRegistryErrorCode | 'unusable_hash' | 'hash_failed', message: string): void;
}

/** What is told about watching the registry for changes. */
export interface WatchObserver extends Pick<IdentityObserver, 'registryFailed'> {
  /** Rows were changed, by whomever. */
  changesSeen(devices: number): void;
  /** Connections were ended, as the rows of their devices have changed. */
  connectionsEnded(connections: number): void;
  /** Changes may be missed from now on. */
  watchLost(code: DeviceRegistryErrorCode, message: string): void;
  /** Every change is told again, and what was missed was made up for. */
  watchResumed(): void;
}
