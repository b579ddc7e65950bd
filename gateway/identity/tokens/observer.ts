import type { TokenKeysErrorCode } from './keys-error.ts';

/** Why a token was not taken. Only the operator is told: to its sender each of them is a wrong password. */
export const tokenRejections = [
  /** No JWS in compact serialization, on a listener that takes nothing else. */
  'not_a_token',
  /** Longer than `maxTokenBytes`; not looked into. */
  'too_large',
  /** Header or claims are not what a JWT has. */
  'malformed',
  /** Brings its own key, names where to fetch one, or demands an extension. */
  'header_not_allowed',
  /** `none`, an HMAC, or another that is not on the list. */
  'algorithm_not_allowed',
  /** No key of this id and algorithm in the key set. */
  'unknown_key',
  'bad_signature',
  'wrong_issuer',
  'wrong_audience',
  'expired',
  'not_yet_valid',
  'no_expiry',
  'lifetime_too_long',
  /** The claim that names the device is missing, or can't be the id of one. */
  'no_device',
  /** A genuine token that user name or client identifier do not agree with. */
  'wrong_device',
  'unknown_device',
  'disabled_device',
] as const;
export type TokenRejection = (typeof tokenRejections)[number];

/** What the verification of tokens tells observability. */
export interface TokenObserver {
  /** `deviceId`: the user name if it could be a device's id, else empty. */
  rejected(reason: TokenRejection, listener: string, deviceId: string): void;
  /** The key set was read. `ignored`: entries of it that are of no use here. */
  keysRead(keys: number, ignored: number): void;
  /** It could not be; the keys from before stay. */
  keysFailed(code: TokenKeysErrorCode, message: string): void;
}
