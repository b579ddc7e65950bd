import type { X509Certificate } from 'node:crypto';
import type { CertificateNames, ClientCertificate } from '../core/client-certificate.ts';
import type { Authorities } from './authorities.ts';
import { readCertificateIds } from './certificate-id.ts';
import { readCommonNames } from './common-names.ts';

/** What is kept of a certificate that the handshake has verified. @throws {DerError} */
export function readPeerCertificate(
  peer: X509Certificate,
  deviceIdOf: (names: CertificateNames) => string | undefined,
  authorities: Authorities,
): ClientCertificate {
  const { id, issuerId, subject } = readCertificateIds(peer.raw);
  return {
    id,
    issuedBy: authorities.issuersOf(peer, issuerId),
    fingerprint: peer.fingerprint256.replaceAll(':', '').toLowerCase(),
    deviceId: deviceIdOf(new LazyNames(peer, subject)),
    validToMs: peer.validToDate.getTime(),
  };
}

/** The names of one kind are enough for a rule; taking all of them apart would cost a fifth of a handshake. */
class LazyNames implements CertificateNames {
  readonly #certificate: X509Certificate;
  readonly #subject: Uint8Array;

  constructor(certificate: X509Certificate, subject: Uint8Array) {
    this.#certificate = certificate;
    this.#subject = subject;
  }

  get uris(): readonly string[] {
    return this.#alternativesOf('URI');
  }

  get dnsNames(): readonly string[] {
    return this.#alternativesOf('DNS');
  }

  get commonNames(): readonly string[] {
    return readCommonNames(this.#subject) ?? this.#foreignCommonNames();
  }

  #foreignCommonNames(): readonly string[] {
    // Node gives a list where a subject has several common names.
    const commonName = this.#certificate.toLegacyObject().subject.CN as string | string[] | undefined;
    return commonName === undefined ? [] : [commonName].flat();
  }

  #alternativesOf(type: string): readonly string[] {
    const alternatives = readAlternativeNames(this.#certificate.subjectAltName ?? '');
    return alternatives.flatMap(([found, value]) => (found === type ? [value] : []));
  }
}

/**
 * Takes Node's text of the alternative names apart, `DNS:a.example, URI:"urn:a\u002cb"`. A value that could be taken for
 * more than one is written as JSON there, its commas escaped: no name can pass for two.
 */
export function readAlternativeNames(text: string): readonly (readonly [type: string, value: string])[] {
  if (text === '') return [];
  return text.split(', ').map((entry) => {
    const colon = entry.indexOf(':');
    const value = entry.slice(colon + 1);
    return [entry.slice(0, Math.max(colon, 0)), value.startsWith('"') ? unquoted(value) : value] as const;
  });
}

/** What can't be read is no name of anybody. */
function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return '';
  }
}
