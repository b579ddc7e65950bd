import type { CryptoKey } from 'jose';
import type { TokenAlgorithm } from '../../core/token-algorithms.ts';
import { KeySet } from './key-set.ts';
import { type KeySource, readKeySource } from './key-source.ts';
import { TokenKeysError } from './keys-error.ts';
import type { TokenObserver } from './observer.ts';

/** While there are no keys at all; doubled with each failure, up to `retryMs`. */
const firstRetryMs = 1000;

export interface KeyRingOptions {
  readonly source: KeySource;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly refreshMs: number;
  /** Least time from one reading to the next that an unknown key id, or a failure, brings about. */
  readonly retryMs: number;
  readonly observer: Pick<TokenObserver, 'keysRead' | 'keysFailed'>;
  /** Milliseconds that never jump. */
  readonly monotonicMs?: () => number;
}

/**
 * The keys of today. Reads them again at an interval, and when a token names one that is not among them, but that no more
 * often than `retryMs`, however many tokens come: whoever invents key ids causes no request each. While the source fails
 * the last good keys stay.
 */
export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #now: () => number;
  #keys: KeySet | undefined;
  #reading: Promise<void> | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #goodAtMs = Number.NaN;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #failures = 0;

  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#now = options.monotonicMs ?? (() => performance.now());
  }

  /** False until the first reading that succeeds. */
  get hasKeys(): boolean {
    return this.#keys !== undefined;
  }

  get size(): number {
    return this.#keys?.size ?? 0;
  }

  /** Since the keys were last read; NaN when they never were. */
  get ageMs(): number {
    return this.#now() - this.#goodAtMs;
  }

  find(algorithm: TokenAlgorithm, keyId: string): CryptoKey | undefined {
    return this.#keys?.find(algorithm, keyId);
  }

  /** Reads now, or joins the reading that is under way. Never rejects: what fails is told to the observer. */
  read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** For a key that is not among them: the reading to wait for; undefined when it is too early for another one. */
  readForUnknown(): Promise<void> | undefined {
    if (this.#reading !== undefined) return this.#reading;
    return this.#now() - this.#startedAtMs < this.#options.retryMs ? undefined : this.read();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #readOnce(): Promise<void> {
    const { source, algorithms, refreshMs, retryMs, observer } = this.#options;
    this.#startedAtMs = this.#now();
    clearTimeout(this.#timer);
    let nextMs = refreshMs;
    try {
      const keys = await KeySet.parse(await readKeySource(source), algorithms);
      this.#keys = keys;
      this.#goodAtMs = this.#now();
      this.#failures = 0;
      observer.keysRead(keys.size, keys.ignored);
    } catch (error) {
      this.#failures += 1;
      // Without any key nobody gets in: then it is tried more often at first.
      const soonest = this.hasKeys ? retryMs : Math.min(retryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10));
      nextMs = Math.min(refreshMs, soonest);
      const code = error instanceof TokenKeysError ? error.code : 'keys_unreadable';
      observer.keysFailed(code, error instanceof Error ? error.message : String(error));
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.read(), nextMs).unref();
  }
}
