import { CodedError } from '../core/coded-error.ts';

export const spoolErrorCodes = [
  /** Another process works with the directory. */
  'spool_in_use',
  /** The directory or its lock cannot be made or used. */
  'spool_directory_unusable',
  /** Something in it is encrypted under a key that is not there. */
  'spool_key_missing',
] as const;
export type SpoolErrorCode = (typeof spoolErrorCodes)[number];

/** Why a spool cannot be opened. The message says what to do. */
export class SpoolError extends CodedError<SpoolErrorCode> {
  override readonly name = 'SpoolError';
}
