import { CodedError } from '../core/coded-error.ts';

export const keysErrorCodes = [
  /** A file is missing or can't be read. */
  'keys_unreadable',
  /** A file may be read or changed by others than its owner. */
  'keys_exposed',
  /** A file does not hold what it should. */
  'keys_malformed',
  /** A wrapped key can't be unwrapped. */
  'keys_wrapped',
  /** The id of a known key stands for another one now. */
  'keys_changed',
] as const;
export type KeysErrorCode = (typeof keysErrorCodes)[number];

/** Why keys can't be used. Names the file and the id of the key, and says what is needed; never holds what is in a key. */
export class KeysError extends CodedError<KeysErrorCode> {
  override readonly name = 'KeysError';
}
