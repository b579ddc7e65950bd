import { CodedError } from '../../core/coded-error.ts';

export type TokenKeysErrorCode =
  /** The file can't be read; the address does not answer in time, or not with 200. */
  | 'keys_unreadable'
  | 'keys_too_large'
  /** Not a JSON Web Key Set. */
  | 'keys_malformed'
  /** A key set, but with no key for any of the allowed algorithms. */
  | 'keys_unusable';

/** The key set can't be had. Its message names file or address, never anything of the content. */
export class TokenKeysError extends CodedError<TokenKeysErrorCode> {
  override readonly name = 'TokenKeysError';
}
