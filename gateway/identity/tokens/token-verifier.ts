import { type CryptoKey, jwtVerify } from 'jose';
import type { Claimant } from '../agreement.ts';
import { HashQueue } from '../hash-queue.ts';
import { type ClaimRules, rejectionOf, type Subject, subjectOf } from './claims.ts';
import { KeyRing, type KeyRingOptions } from './key-ring.ts';
import type { TokenObserver, TokenRejection } from './observer.ts';
import { type HeaderRules, isTokenShaped, readToken, type UnverifiedToken } from './unverified-token.ts';

/** What a listener takes as the password of a registered device. */
export type PasswordKind = 'secret' | 'token' | 'either';

export interface TokenVerifierOptions extends Omit<KeyRingOptions, 'observer'>, ClaimRules, HeaderRules {
  readonly issuer: string;
  readonly audience: string;
  /** Signatures checked at once, and how many may wait: for their turn, and as many again for a key. */
  readonly verifyConcurrency: number;
  readonly verifyQueueMax: number;
  readonly observer: TokenObserver;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export type TokenVerdict =
  | Subject
  /** Not judged: too many others wait, or no key could ever be read. */
  | { readonly unverified: 'server_busy' | 'server_unavailable' };

/**
 * Says whose token a password is (RFC 7519, section 7.2; RFC 8725). What costs least comes first: its length, its header,
 * its key; only then the signature, off the event loop and in a bounded queue; and only after that anything that it claims.
 *
 * Nothing about a token is remembered: it is worth what the keys and the clock of this moment say.
 */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #queue: HashQueue;
  readonly #now: () => number;
  readonly keys: KeyRing;
  #waitingForKeys = 0;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#queue = new HashQueue(options.verifyConcurrency, options.verifyQueueMax);
    this.#now = options.now ?? Date.now;
    this.keys = new KeyRing(options);
  }

  get observer(): TokenObserver {
    return this.#options.observer;
  }

  /** Connections whose token is being verified or waits for that. */
  get pending(): number {
    return this.#queue.running + this.#queue.waiting + this.#waitingForKeys;
  }

  /** Whether a password is a token's to be, and not a secret's. */
  takes(password: Uint8Array, accepts: PasswordKind): boolean {
    if (accepts !== 'either') return accepts === 'token';
    return isTokenShaped(password, this.#options.maxTokenBytes);
  }

  /** Never rejects. */
  async verify(
    password: Uint8Array,
    claimant: Claimant & { readonly source?: string; readonly isKnownSource?: boolean },
  ): Promise<TokenVerdict> {
    const token = readToken(password, this.#options);
    if ('rejected' in token) return token;
    const { algorithm, keyId } = token;
    const key = this.keys.find(algorithm, keyId) ?? (await this.#awaitKey(token));
    if ('unverified' in key || 'rejected' in key) return key;
    const { source, isKnownSource } = claimant;
    const verdict = await this.#queue.run(() => this.#check(token, key, claimant), source, isKnownSource);
    return verdict ?? { unverified: 'server_busy' };
  }

  /** Outside of the queue, so that tokens of unknown keys keep none of the others waiting. */
  async #awaitKey({ algorithm, keyId }: UnverifiedToken): Promise<CryptoKey | KeyRefusal> {
    if (this.#waitingForKeys >= this.#options.verifyQueueMax) return { unverified: 'server_busy' };
    this.#waitingForKeys += 1;
    try {
      await this.keys.readForUnknown();
    } finally {
      this.#waitingForKeys -= 1;
    }
    const key = this.keys.find(algorithm, keyId);
    if (key !== undefined) return key;
    return this.keys.hasKeys ? { rejected: 'unknown_key' } : { unverified: 'server_unavailable' };
  }

  async #check({ text, algorithm }: UnverifiedToken, key: CryptoKey, claimant: Claimant): Promise<Subject> {
    const { issuer, audience, clockToleranceSeconds } = this.#options;
    const nowMs = this.#now();
    try {
      const { payload } = await jwtVerify(text, key, {
        algorithms: [algorithm],
        issuer,
        audience,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp'],
        currentDate: new Date(nowMs),
      });
      return subjectOf(payload, this.#options, claimant, nowMs);
    } catch (error) {
      return { rejected: rejectionOf(error) };
    }
  }
}

type KeyRefusal = { readonly rejected: TokenRejection } | { readonly unverified: 'server_busy' | 'server_unavailable' };
