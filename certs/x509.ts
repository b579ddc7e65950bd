// First: the library needs it while it is loaded.
import './metadata-reflection.ts';

import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';
import type { KeyPair } from './keys.ts';

const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** OID of the number of a revocation list (RFC 5280, section 5.2.3). */
const crlNumberOid = '2.5.29.20';

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Names of a certificate beyond its common name (RFC 5280, section 4.2.1.6). */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly uri: readonly string[];
}

/** Who signs: its certificate in PEM, and its key. */
export interface Issuer {
  readonly certificate: string;
  readonly keys: Pick<KeyPair, 'privateKey'>;
}

export interface LeafRequest extends Validity {
  readonly kind: 'server' | 'device';
  readonly commonName: string;
  readonly names: AlternativeNames;
  readonly serial: string;
  readonly publicKey: KeyPair['publicKey'];
}

/** The certificate of a new authority, signed by itself, in PEM. It may sign leaves and nothing below them. */
export async function authorityCertificate(
  commonName: string,
  serial: string,
  keys: KeyPair,
  validity: Validity,
): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: serial,
    name: nameOf(commonName),
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate);
}

/** A certificate for a server or a device, in PEM: for TLS in this one role, and for nothing else. */
export async function leafCertificate(issuer: Issuer, request: LeafRequest): Promise<string> {
  const authority = new X509Certificate(issuer.certificate);
  const certificate = await X509CertificateGenerator.create({
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    serialNumber: request.serial,
    subject: nameOf(request.commonName),
    issuer: authority.subjectName,
    publicKey: request.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([
        request.kind === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth,
      ]),
      new SubjectAlternativeNameExtension(alternativeNames(request.names)),
      await AuthorityKeyIdentifierExtension.create(authority.publicKey),
      await SubjectKeyIdentifierExtension.create(request.publicKey),
    ],
  });
  return pem(certificate);
}

export interface Revocation {
  readonly serial: string;
  readonly at: Date;
}

export interface RevocationList {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Rises with each list (RFC 5280, section 5.2.3). */
  readonly number: number;
  readonly revoked: readonly Revocation[];
}

/** A revocation list (RFC 5280, section 5) in PEM. */
export async function revocationList(issuer: Issuer, list: RevocationList): Promise<string> {
  const authority = new X509Certificate(issuer.certificate);
  const crl = await X509CrlGenerator.create({
    issuer: authority.subjectName,
    thisUpdate: list.thisUpdate,
    nextUpdate: list.nextUpdate,
    entries: list.revoked.map(({ serial, at }) => ({
      serialNumber: serial,
      revocationDate: at,
      reason: X509CrlReason.cessationOfOperation,
    })),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm,
    extensions: [
      await AuthorityKeyIdentifierExtension.create(authority.publicKey),
      new Extension(crlNumberOid, false, derInteger(list.number)),
    ],
  });
  return crlPem(crl.rawData);
}

/** Not as text: a name must not be able to add attributes of its own. */
const nameOf = (commonName: string) => [{ CN: [commonName] }];

const alternativeNames = ({ dns, ip, uri }: AlternativeNames) => [
  ...dns.map((value) => ({ type: 'dns', value }) as const),
  ...ip.map((value) => ({ type: 'ip', value }) as const),
  ...uri.map((value) => ({ type: 'url', value }) as const),
];

const pem = (certificate: X509Certificate): string => `${certificate.toString('pem').trim()}\n`;

/** Under the label that OpenSSL looks for (RFC 7468, section 7), which the library does not write. */
function crlPem(der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}

/** INTEGER of a number below 2³¹ (X.690, section 8.3). */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const bytes = [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
  while (bytes.length > 1 && bytes[0] === 0 && (bytes[1] as number) < 0x80) bytes.shift();
  return Uint8Array.from([0x02, bytes.length, ...bytes]);
}

/** What a server is called by its clients: an address where the name is one, else a DNS name. */
export const serverNames = (name: string): AlternativeNames =>
  isIP(name) === 0 ? { dns: [name], ip: [], uri: [] } : { dns: [], ip: [name], uri: [] };
