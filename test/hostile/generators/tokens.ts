import { createHmac } from 'node:crypto';
import type { Random } from '../../../device-simulator/core/random.ts';
import type { TokenIssuer } from '../../support/token-issuer.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

const signedVariants = 200;

const nastyTexts = [
  '',
  '\0',
  '../../../../etc/passwd',
  "' OR 1=1 --",
  'http://127.0.0.1/keys',
  '\r\n{"level":"error"}',
  '__proto__',
  'constructor',
  '\u202e\ud800',
  'k'.repeat(300),
];
const nastyValues: readonly unknown[] = [
  ...nastyTexts,
  null,
  true,
  -1,
  0,
  Number.MAX_VALUE,
  1.5,
  -9_007_199_254_740_991,
  [],
  ['ES256'],
  {},
  { toString: 1 },
  [[[[[[]]]]]],
];

const headerNames = ['alg', 'kid', 'typ', 'cty', 'jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'enc', 'zip', '__proto__'];
const claimNames = ['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', '__proto__'];
const algorithms = ['none', 'None', 'HS256', 'HS512', 'RS256', 'ES256', 'ES384', 'PS256', 'EdDSA', 'dir', ''];

const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** JSON as it comes from attackers: with members that nobody writes, or hardly JSON any more. */
function spoiltJson(json: string, names: readonly string[], random: Random): string {
  if (random.chance(0.3)) return mutateBytes(Buffer.from(json), random).toString('latin1');
  if (random.chance(0.05)) return '['.repeat(1 + random.integer(1000));
  const value = JSON.stringify(random.chance(0.5) ? pick(random, nastyValues) : pick(random, algorithms)) ?? 'null';
  // As text, so that a member can be there twice, and be called __proto__.
  return `${json.slice(0, -1)},${JSON.stringify(pick(random, names))}:${value}}`;
}

type Parts = [header: string, claims: string, signature: string];
type Spoil = (parts: Parts, random: Random, publicKey: string) => string;

const decoded = (part: string): string => Buffer.from(part, 'base64url').toString();

const spoils: readonly Spoil[] = [
  ([header, ...rest], random) => [base64url(spoiltJson(decoded(header), headerNames, random)), ...rest].join('.'),
  ([header, ...rest], random) => [base64url(spoiltJson(decoded(header), headerNames, random)), ...rest].join('.'),
  ([header, claims, signature], random) =>
    [header, base64url(spoiltJson(decoded(claims), claimNames, random)), signature].join('.'),
  ([header, claims, signature], random) =>
    [header, claims, base64url(mutateBytes(Buffer.from(signature, 'base64url'), random))].join('.'),
  (parts, random) => mutateBytes(Buffer.from(parts.join('.')), random).toString('latin1'),
  (parts, random) => parts.slice(0, random.integer(3)).join('.') + '.'.repeat(random.integer(4)),
  ([, claims], random, publicKey) => {
    const signed = `${base64url(JSON.stringify({ alg: pick(random, algorithms), kid: pick(random, ['k-1', 'r-1']) }))}.${claims}`;
    return `${signed}.${createHmac('sha256', publicKey).update(signed).digest('base64url')}`;
  },
  (_parts, random) => `e${base64url(randomBytes(random, random.integer(200)))}`,
];

export interface TokenCase {
  readonly token: string;
  /** What was signed of the token that it was made from: no other signed part may ever count. */
  readonly signedFrom: string;
}

/** Tokens that were signed and then spoilt, and tokens with odd claims that are signed rightly. */
export class SpoiltTokens {
  readonly #signed: readonly string[];
  readonly #publicKey: string;

  private constructor(signed: readonly string[], publicKey: string) {
    this.#signed = signed;
    this.#publicKey = publicKey;
  }

  /** @param issuer with the keys `k-1` and `r-1` (RS256). */
  static async prepare(issuer: TokenIssuer, deviceId: string, random: Random): Promise<SpoiltTokens> {
    const signed: string[] = [];
    for (let index = 0; index < signedVariants; index += 1) {
      const claims = index % 4 === 0 ? {} : { [pick(random, claimNames.slice(0, -1))]: pick(random, nastyValues) };
      signed.push(await issuer.sign(deviceId, { claims }));
    }
    return new SpoiltTokens(signed, String(issuer.publicKey('r-1').export({ format: 'pem', type: 'spki' })));
  }

  make(random: Random): TokenCase {
    const original = pick(random, this.#signed);
    const signedFrom = original.slice(0, original.lastIndexOf('.'));
    if (random.chance(0.05)) return { token: original, signedFrom };
    const parts = original.split('.') as Parts;
    return { token: pick(random, spoils)(parts, random, this.#publicKey), signedFrom };
  }
}
