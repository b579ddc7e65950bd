import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export interface CacheLimits {
  readonly maxEntries: number;
  readonly ttlSeconds: number;
}

/** A device that is configured wrong retries with the same wrong password; it need not cost a hash each time. */
const refusedTtlMs = 30_000;
const mostRefused = 10_000;

/**
 * Remembers which credentials were verified, without keeping a secret: only an HMAC under a key that dies with the
 * process. The fingerprint covers the stored hash too, so an entry is worth nothing once the secret is rotated.
 */
export class CredentialCache {
  readonly #key = randomBytes(32);
  readonly #right: LRUCache<string, string>;
  readonly #wrong: LRUCache<string, true>;

  constructor({ maxEntries, ttlSeconds }: CacheLimits) {
    this.#right = new LRUCache({ max: maxEntries, ttl: ttlSeconds * 1000 });
    this.#wrong = new LRUCache({ max: Math.min(maxEntries, mostRefused), ttl: refusedTtlMs });
  }

  /** Names one triple of device, stored hash and secret. `secretHash` is empty for a device that does not exist. */
  fingerprint(deviceId: string, secretHash: string, secret: Uint8Array): string {
    // Neither a device id nor a hash can hold NUL, so no two triples give the same bytes.
    return createHmac('sha256', this.#key).update(`${deviceId}\0${secretHash}\0`).update(secret).digest('base64');
  }

  /**
   * Comparing with `===` gives nothing away: to steer the bytes that are compared one would need the key. A wrong
   * password is remembered under its own fingerprint and never stands in the way of the right one.
   */
  recall(deviceId: string, fingerprint: string): 'right' | 'wrong' | undefined {
    if (this.#right.get(deviceId) === fingerprint) return 'right';
    return this.#wrong.get(fingerprint) === true ? 'wrong' : undefined;
  }

  remember(deviceId: string, fingerprint: string, right: boolean): void {
    if (right) this.#right.set(deviceId, fingerprint);
    else this.#wrong.set(fingerprint, true);
  }

  /** Devices whose credentials are remembered as right, and refused credentials that are remembered. */
  get sizes(): { readonly right: number; readonly wrong: number } {
    return { right: this.#right.size, wrong: this.#wrong.size };
  }
}
