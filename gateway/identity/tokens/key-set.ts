import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { TokenAlgorithm } from '../../core/token-algorithms.ts';
import { TokenKeysError } from './keys-error.ts';

/** More is no key set of one issuer any more. */
const mostKeys = 100;
/** RFC 7518, section 3.3. */
const leastRsaBits = 2048;

interface KeyKind {
  readonly kty: string;
  readonly crv?: string;
}

const kinds: Readonly<Record<TokenAlgorithm, KeyKind>> = {
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

const nameOf = (algorithm: TokenAlgorithm, keyId: string): string => `${algorithm} ${keyId}`;

/**
 * The public keys that tokens are checked with (RFC 7517, section 5). Each is bound to one algorithm when it is read, so
 * that the header of a token can only choose among pairs that the issuer and the settings allow.
 */
export class KeySet {
  readonly #keys: ReadonlyMap<string, CryptoKey>;
  /** Entries that are of no use here: for encryption, without an id, of another type, private, weak. */
  readonly ignored: number;

  private constructor(keys: ReadonlyMap<string, CryptoKey>, ignored: number) {
    this.#keys = keys;
    this.ignored = ignored;
  }

  /** @throws {TokenKeysError} when it is no key set, or holds nothing that any of the algorithms could use. */
  static async parse(text: string, algorithms: readonly TokenAlgorithm[]): Promise<KeySet> {
    const keys = new Map<string, CryptoKey>();
    let ignored = 0;
    for (const jwk of entriesOf(text)) {
      const before = keys.size;
      if (isForSignatures(jwk)) await addTo(keys, jwk, algorithms);
      if (keys.size === before) ignored += 1;
    }
    if (keys.size === 0) throw new TokenKeysError('keys_unusable', `none of ${ignored} keys fits ${algorithms.join()}`);
    return new KeySet(keys, ignored);
  }

  /** Pairs of a key and an algorithm. */
  get size(): number {
    return this.#keys.size;
  }

  find(algorithm: TokenAlgorithm, keyId: string): CryptoKey | undefined {
    return this.#keys.get(nameOf(algorithm, keyId));
  }
}

function entriesOf(text: string): readonly JWK[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    // The parser's own message quotes the content.
    throw new TokenKeysError('keys_malformed', 'not JSON');
  }
  const keys = isRecord(set) ? set.keys : undefined;
  if (!Array.isArray(keys) || !keys.every(isRecord)) {
    throw new TokenKeysError('keys_malformed', 'no JSON Web Key Set: an object with a list of keys');
  }
  if (keys.length > mostKeys) throw new TokenKeysError('keys_malformed', `more than ${mostKeys} keys`);
  return keys;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A private or symmetric key in a published set is known to everybody: nothing may be believed because of it. */
function isForSignatures({ kid, use, key_ops: operations, d, k }: JWK): boolean {
  if (typeof kid !== 'string' || kid === '' || d !== undefined || k !== undefined) return false;
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

async function addTo(keys: Map<string, CryptoKey>, jwk: JWK, algorithms: readonly TokenAlgorithm[]): Promise<void> {
  for (const algorithm of algorithms) {
    const { kty, crv } = kinds[algorithm];
    const name = nameOf(algorithm, String(jwk.kid));
    const fits = jwk.kty === kty && (crv === undefined || jwk.crv === crv);
    if (!fits || (jwk.alg !== undefined && jwk.alg !== algorithm) || keys.has(name)) continue;
    const key = await importKey(jwk, algorithm);
    if (key !== undefined) keys.set(name, key);
  }
}

async function importKey(jwk: JWK, algorithm: TokenAlgorithm): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK(jwk, algorithm);
    if (key instanceof Uint8Array || key.type !== 'public') return undefined;
    const { modulusLength } = key.algorithm as { readonly modulusLength?: number };
    return modulusLength === undefined || modulusLength >= leastRsaBits ? key : undefined;
  } catch {
    return undefined;
  }
}
