import type { Identity } from '../core/identity.ts';
import { type CacheLimits, CredentialCache } from './credential-cache.ts';
import { type Device, isUsableId } from './device.ts';
import { HashQueue } from './hash-queue.ts';
import type { IdentityObserver, Refusal, Verification } from './observer.ts';
import type { DeviceRegistry } from './registry.ts';
import { DeviceRegistryError } from './registry-error.ts';
import {
  decoyHash,
  defaultCost,
  parseSecretHash,
  type ScryptCost,
  type SecretHash,
  verifySecret,
} from './secret-hash.ts';

/** What a CONNECT says about who it comes from. */
export interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly clientId: string;
  /** Name of the listener, for logs. */
  readonly listener: string;
  readonly auth: 'registry' | 'anonymous';
}

export type Authentication = { readonly identity: Identity } | { readonly refused: Refusal };

export interface AuthenticatorOptions {
  /** Undefined only when every listener is anonymous. */
  readonly registry: DeviceRegistry | undefined;
  readonly cache: CacheLimits;
  readonly hashConcurrency: number;
  readonly hashQueueMax: number;
  readonly observer: IdentityObserver;
}

type Verdict = 'right' | 'wrong' | 'busy' | 'unusable';

/**
 * Says who a connection belongs to. Reads the registry's row on every connect, so that disabling, rotating and
 * removing take effect with the next one; what is cached is only that a secret matches a hash.
 */
export class Authenticator {
  readonly #registry: DeviceRegistry | undefined;
  readonly #observer: IdentityObserver;
  readonly #cache: CredentialCache;
  readonly #queue: HashQueue;
  /** Verifications under way by fingerprint: a device that reconnects impatiently is hashed once. */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  /** Cost of the last real hash, so that an unknown user takes as long as a wrong password does in this registry. */
  #usualCost: ScryptCost = defaultCost;

  constructor({ registry, cache, hashConcurrency, hashQueueMax, observer }: AuthenticatorOptions) {
    this.#registry = registry;
    this.#observer = observer;
    this.#cache = new CredentialCache(cache);
    this.#queue = new HashQueue(hashConcurrency, hashQueueMax);
  }

  /** Connections whose hash runs or waits. */
  get pending(): number {
    return this.#queue.running + this.#queue.waiting;
  }

  get cacheSizes() {
    return this.#cache.sizes;
  }

  /** Never rejects: a failing registry is a refusal too. */
  async authenticate(credentials: Credentials): Promise<Authentication> {
    if (credentials.auth === 'anonymous') {
      this.#observer.authenticated('anonymous');
      return { identity: { deviceId: credentials.clientId, kind: 'anonymous', boundTo: '' } };
    }
    try {
      return await this.#verify(credentials);
    } catch (error) {
      const code = error instanceof DeviceRegistryError ? error.code : 'registry_failed';
      this.#observer.registryFailed(code, error instanceof Error ? error.message : String(error));
      return this.#refuse('server_unavailable', credentials);
    }
  }

  async #verify(credentials: Credentials): Promise<Authentication> {
    const { username, password } = credentials;
    // An id that can't exist is refused without a hash: everybody can tell it from one that could.
    if (username === undefined || password === undefined || !isUsableId(username)) {
      return this.#refuse('bad_credentials', credentials);
    }
    const before = this.#find(username);
    const fingerprint = this.#cache.fingerprint(username, before?.secretHash ?? '', password);
    const remembered = this.#cache.recall(username, fingerprint);
    const verdict = remembered ?? (await this.#hashOnce(fingerprint, username, before, password));
    if (verdict === 'busy') return this.#refuse('server_busy', credentials);
    if (verdict === 'unusable') return this.#refuse('server_unavailable', credentials);
    // The row may have changed while the hash was computed: what counts is the row of now.
    const device = remembered === undefined ? this.#find(username) : before;
    if (verdict === 'wrong' || device === undefined || device.secretHash !== before?.secretHash) {
      return this.#refuse('bad_credentials', credentials);
    }
    if (!device.enabled) return this.#refuse('not_authorized', credentials);
    return this.#accept(device, remembered === undefined ? 'hashed' : 'cached');
  }

  #find(deviceId: string): Device | undefined {
    if (this.#registry === undefined)
      throw new DeviceRegistryError('registry_unopenable', 'there is no device registry');
    return this.#registry.find(deviceId);
  }

  #hashOnce(fingerprint: string, deviceId: string, device: Device | undefined, password: Uint8Array): Promise<Verdict> {
    const underWay = this.#underWay.get(fingerprint);
    if (underWay !== undefined) return underWay;
    const stored = device === undefined ? decoyHash(this.#usualCost) : this.#parse(device);
    if (stored === undefined) return Promise.resolve('unusable');
    const verifying = this.#queue.run(() => verifySecret(password, stored));
    if (verifying === undefined) return Promise.resolve('busy');
    const verdict = verifying
      .then((right): Verdict => {
        this.#cache.remember(deviceId, fingerprint, right);
        return right ? 'right' : 'wrong';
      })
      .finally(() => this.#underWay.delete(fingerprint));
    this.#underWay.set(fingerprint, verdict);
    return verdict;
  }

  #parse(device: Device): SecretHash | undefined {
    const stored = parseSecretHash(device.secretHash);
    if (stored === undefined) {
      this.#observer.registryFailed('unusable_hash', `the secret hash of device ${device.deviceId} can't be used`);
    } else {
      this.#usualCost = stored.cost;
    }
    return stored;
  }

  #accept({ deviceId, kind, boundTo }: Device, verification: Verification): Authentication {
    this.#observer.authenticated(verification);
    return { identity: { deviceId, kind, boundTo } };
  }

  #refuse(refusal: Refusal, { listener, username = '' }: Credentials): Authentication {
    this.#observer.refused(refusal, listener, isUsableId(username) ? username : '');
    return { refused: refusal };
  }
}
