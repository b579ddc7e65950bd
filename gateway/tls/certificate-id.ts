import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { DerReader, derTags } from './der.ts';

const issuerDigits = 32;

/** Names an issuer by the bytes of its name: lists and certificates of one authority have the same ones. */
export const issuerIdOf = (name: Uint8Array): string =>
  createHash('sha256').update(name).digest('hex').slice(0, issuerDigits);

/** Names a certificate as revocation lists do: by its issuer and its serial number (RFC 5280, section 5.1.2.6). */
export const certificateIdOf = (issuerId: string, serial: Uint8Array): string =>
  `${issuerId}:${Buffer.from(serial).toString('hex')}`;

/** Who issued a certificate, as which one, and whom it is about. */
export interface CertificateIds {
  readonly id: string;
  /** As `issuerIdOf` makes it. */
  readonly issuerId: string;
  /** The bytes of the name. */
  readonly subject: Uint8Array;
}

/** Read off the certificate itself (RFC 5280, section 4.1). @throws {DerError} */
export function readCertificateIds(der: Uint8Array): CertificateIds {
  const fields = new DerReader(der).enter(derTags.sequence).enter(derTags.sequence);
  fields.take(derTags.explicit0);
  const serial = fields.content(fields.next(derTags.integer));
  fields.next(derTags.sequence);
  const issuerId = issuerIdOf(fields.whole(fields.next(derTags.sequence)));
  fields.next(derTags.sequence);
  const subject = fields.whole(fields.next(derTags.sequence));
  return { id: certificateIdOf(issuerId, serial), issuerId, subject };
}

/** @throws {DerError} */
export const readCertificateId = (der: Uint8Array): string => readCertificateIds(der).id;
