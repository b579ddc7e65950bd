import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';

export type KeyPair = webcrypto.CryptoKeyPair;

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A new key pair on P-256: small, fast to verify, and known to every TLS library in devices. */
export const newKeyPair = (): Promise<KeyPair> => webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']);

/** PKCS #8 in PEM, not encrypted: the file's mode protects it. */
export const privateKeyPem = ({ privateKey }: KeyPair): string =>
  KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();

export function readPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, p256, false, ['sign']);
}

/** 127 random bits as hexadecimal digits, positive and of full length (RFC 5280, section 4.1.2.2). */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
