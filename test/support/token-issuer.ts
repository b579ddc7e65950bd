import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { TokenAlgorithm } from '../../gateway/core/token-algorithms.ts';

type Keys = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
type SigningKey = Keys & { readonly algorithm: TokenAlgorithm };

/** Parameters of Web Cryptography, as far as they are used here. */
interface Parameters {
  readonly name: string;
  readonly hash?: string;
  readonly namedCurve?: string;
  readonly saltLength?: number;
}

interface Signing {
  readonly make: () => Keys;
  readonly sign: Parameters;
  readonly import: Parameters;
}

const elliptic = (namedCurve: string, hash: string): Signing => ({
  make: () => generateKeyPairSync('ec', { namedCurve }),
  sign: { name: 'ECDSA', hash },
  import: { name: 'ECDSA', namedCurve },
});
const rsa = (name: string): Signing => ({
  make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  sign: { name, saltLength: 32 },
  import: { name, hash: 'SHA-256' },
});
const edwards: Signing = {
  make: () => generateKeyPairSync('ed25519'),
  sign: { name: 'Ed25519' },
  import: { name: 'Ed25519' },
};

const signings: Readonly<Record<TokenAlgorithm, Signing>> = {
  ES256: elliptic('P-256', 'SHA-256'),
  ES384: elliptic('P-384', 'SHA-384'),
  RS256: rsa('RSASSA-PKCS1-v1_5'),
  PS256: rsa('RSA-PSS'),
  EdDSA: edwards,
  Ed25519: edwards,
};

const encode = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** What a token is to have otherwise than a good one; undefined leaves a member out. */
export interface TokenChanges {
  readonly keyId?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** In place of all claims. */
  readonly payload?: string;
}

/**
 * Issues tokens, good and bad ones, with keys that it makes when asked to. It signs with the runtime's own functions, not
 * with those of the library that the gateway checks signatures with, and refuses nothing.
 */
export class TokenIssuer {
  readonly issuer = 'https://issuer.example';
  readonly audience = 'edge-ingest';
  readonly #keys = new Map<string, SigningKey>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  addKey(keyId: string, algorithm: TokenAlgorithm = 'ES256'): this {
    this.#keys.set(keyId, { algorithm, ...signings[algorithm].make() });
    return this;
  }

  removeKey(keyId: string): void {
    this.#keys.delete(keyId);
  }

  publicKey(keyId: string): KeyObject {
    return this.#key(keyId).publicKey;
  }

  /** The public keys as JWKs. */
  get entries(): Record<string, unknown>[] {
    return [...this.#keys].map(([kid, { algorithm, publicKey }]) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    }));
  }

  /** The key set as it would be published. */
  get jwks(): string {
    return JSON.stringify({ keys: this.entries });
  }

  /** A token for a device, signed with the key of `keyId` or with the first one. */
  async sign(deviceId: string, changes: TokenChanges = {}): Promise<string> {
    const keyId = changes.keyId ?? [...this.#keys.keys()][0] ?? '';
    const { algorithm, privateKey } = this.#key(keyId);
    const signed = `${encode({ alg: algorithm, kid: keyId, ...changes.header })}.${this.#payload(deviceId, changes)}`;
    const how = signings[algorithm];
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const key = await crypto.subtle.importKey('pkcs8', der, how.import, false, ['sign']);
    const signature = await crypto.subtle.sign(how.sign, key, Buffer.from(signed));
    return `${signed}.${Buffer.from(signature).toString('base64url')}`;
  }

  /** The same with a header and a signature of somebody who has no key; `signature` gets what is to be signed. */
  forge(deviceId: string, header: object, signature: (signed: string) => string, changes: TokenChanges = {}): string {
    const signed = `${encode(header)}.${this.#payload(deviceId, changes)}`;
    return `${signed}.${signature(signed)}`;
  }

  #payload(deviceId: string, { claims, payload }: TokenChanges): string {
    if (payload !== undefined) return encode(payload);
    const now = Math.floor(this.#nowMs() / 1000);
    const { issuer, audience } = this;
    return encode({ iss: issuer, aud: audience, sub: deviceId, iat: now, exp: now + 600, ...claims });
  }

  #key(keyId: string): SigningKey {
    const key = this.#keys.get(keyId);
    if (key === undefined) throw new Error(`no key ${keyId}`);
    return key;
  }
}
