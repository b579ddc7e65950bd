import { CodedError } from '../gateway/core/coded-error.ts';

export const certsErrorCodes = [
  /** There is no authority in the directory. */
  'no_authority',
  /** Others than the owner may look into the directory, which holds private keys. */
  'open_directory',
  /** A file is there already and is not overwritten. */
  'file_exists',
  /** The authority's own files can't be read, or make no sense. */
  'unusable_authority',
  'unusable_name',
  /** No certificate has this serial number or name. */
  'unknown_certificate',
] as const;
export type CertsErrorCode = (typeof certsErrorCodes)[number];

/** Why the development authority did nothing. The message says what to do about it. */
export class CertsError extends CodedError<CertsErrorCode> {
  override readonly name = 'CertsError';
}
