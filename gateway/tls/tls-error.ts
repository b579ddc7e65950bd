import { CodedError } from '../core/coded-error.ts';

export const tlsErrorCodes = [
  /** A file is missing or can't be read. */
  'tls_file_unreadable',
  /** A file does not hold what it should. */
  'tls_file_invalid',
  /** A file is larger than any of its kind should be. */
  'tls_file_too_large',
  /** The private key is not that of the certificate. */
  'tls_key_mismatch',
  /** The certificate is not valid yet, or any more. */
  'tls_certificate_expired',
  /** A revocation list can't be fetched from its address. */
  'tls_crl_unreachable',
  /** The revocation list is out of date: no certificate could be verified by it. */
  'tls_crl_expired',
  /** The revocation list is from the future. */
  'tls_crl_premature',
  /** None of the authorities has signed the revocation list. */
  'tls_crl_untrusted',
  /** The revocation list is older than the one that applies: who was revoked by that would be let in again. */
  'tls_crl_older',
] as const;
export type TlsErrorCode = (typeof tlsErrorCodes)[number];

/** Why a listener can't serve TLS with its files. Names the file and says what is needed, never what is in a key. */
export class TlsError extends CodedError<TlsErrorCode> {
  override readonly name = 'TlsError';
}
