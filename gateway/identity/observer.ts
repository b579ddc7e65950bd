import type { DeviceRegistryErrorCode } from './registry-error.ts';

/** Why a CONNECT was not let in. */
export const refusals = [
  /** Unknown user or wrong password; which of the two is told to nobody. */
  'bad_credentials',
  /** The right password of a disabled device. */
  'not_authorized',
  /** The registry can't be read, or holds a hash that can't be used. */
  'server_unavailable',
  /** Too many others wait for their passwords to be verified. */
  'server_busy',
] as const;
export type Refusal = (typeof refusals)[number];

/** How credentials were found right. */
export type Verification = 'anonymous' | 'cached' | 'hashed';

/** What the identity edge tells observability. */
export interface IdentityObserver {
  authenticated(verification: Verification): void;
  /** `deviceId`: the user name if it could be a device's id, else empty. */
  refused(refusal: Refusal, listener: string, deviceId: string): void;
  registryFailed(code: DeviceRegistryErrorCode | 'unusable_hash', message: string): void;
}
