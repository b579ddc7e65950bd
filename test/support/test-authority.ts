import './reflect-metadata.ts';

import { randomBytes, type webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate with its key, in PEM. */
export interface Certified {
  /** The certificate, followed by that of the authority. */
  readonly chain: string;
  /** PKCS #8. */
  readonly key: string;
}

export interface CertificateWish {
  readonly commonName: string;
  readonly names?: readonly JsonGeneralName[];
  readonly usage: 'server' | 'client';
  /** Default: valid now. */
  readonly expired?: boolean;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMs = 3_600_000;
/** `id-kp-serverAuth`, `id-kp-clientAuth` (RFC 5280, section 4.2.1.12). */
const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const serial = (): string => `01${randomBytes(8).toString('hex')}`;

/** A certificate authority that lives as long as a test. */
export class TestAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #name: string;
  /** Its own certificate, in PEM. */
  readonly certificate: string;

  static async create(commonName: string): Promise<TestAuthority> {
    const keys = await newKeys();
    const name = `CN=${commonName}`;
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name,
      notBefore: new Date(Date.now() - 48 * hourMs),
      notAfter: new Date(Date.now() + 48 * hourMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    return new TestAuthority(keys, name, certificate.toString('pem'));
  }

  private constructor(keys: webcrypto.CryptoKeyPair, name: string, certificate: string) {
    this.#keys = keys;
    this.#name = name;
    this.certificate = certificate;
  }

  async issue({ commonName, names = [], usage, expired = false }: CertificateWish): Promise<Certified> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${commonName}`,
      issuer: this.#name,
      notBefore: new Date(Date.now() - 24 * hourMs),
      notAfter: new Date(Date.now() + (expired ? -1 : 24) * hourMs),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usages[usage]]),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])]),
      ],
    });
    const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
    return {
      chain: `${certificate.toString('pem')}\n${this.certificate}\n`,
      key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n`,
    };
  }
}
