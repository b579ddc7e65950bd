import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import { type AgreementRules, agrees, type Claimant } from './agreement.ts';
import { type BannedLogin, BannedLogins } from './banned-logins.ts';
import { type CacheLimits, CredentialCache } from './credential-cache.ts';
import { type Device, identityOf, isUsableId } from './device.ts';
import { HashQueue } from './hash-queue.ts';
import { HashError } from './hash-threads.ts';
import type { DeviceSource } from './known-devices.ts';
import type { IdentityObserver, PasswordVerdict, Refusal, Verification } from './observer.ts';
import { DeviceRegistryError, type DeviceRegistryErrorCode } from './registry-error.ts';
import { decoyHash, defaultCost, parseSecretHash, type ScryptCost, type SecretHash } from './secret-hash.ts';
import type { TokenRejection } from './tokens/observer.ts';
import type { PasswordKind, TokenVerifier } from './tokens/token-verifier.ts';

/** What a CONNECT says about who it comes from. */
export interface Credentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly clientId: string;
  /** The server has made the client identifier up: it claims nothing. */
  readonly clientIdAssigned?: boolean;
  /** Verified in the TLS handshake. */
  readonly certificate?: ClientCertificate | undefined;
  /** Who has a certificate needs no password. */
  readonly certificateSuffices?: boolean;
  /** Name of the listener, for logs. */
  readonly listener: string;
  readonly auth: 'registry' | 'anonymous';
  /** What the listener takes as a password. */
  readonly accepts: PasswordKind;
  /** Where it comes from: hashes for different sources are computed in turn. */
  readonly source?: string;
  /** A device has logged in from there lately: strangers do not keep it waiting. */
  readonly isKnownSource?: boolean;
  /** Whether anybody still waits for the answer. */
  readonly isAwaited?: () => boolean;
  /** Banned. No password is hashed before the answer: it is let in with one that is remembered as right, or by other means. */
  readonly withoutHash?: boolean;
}

export type Authentication =
  | {
      readonly identity: Identity;
      /** When the credentials cease to count, milliseconds since the epoch; left out where they do not by themselves. */
      readonly expiresAtMs?: number;
    }
  | { readonly refused: Refusal };

type VerifySecret = (secret: Uint8Array, stored: SecretHash) => Promise<boolean>;

export interface AuthenticatorOptions {
  /** Undefined only when every listener is anonymous. */
  readonly registry: DeviceSource | undefined;
  readonly cache: CacheLimits;
  readonly hashConcurrency: number;
  readonly hashQueueMax: number;
  /** Whether a secret is the one that was hashed, found out off the event loop: `HashThreads`. */
  readonly verifySecret: VerifySecret;
  /** Passwords of banned logins that are verified after the answer. Default: none. */
  readonly bannedPerMinute?: number;
  /** Undefined where no listener takes tokens. */
  readonly tokens?: TokenVerifier | undefined;
  readonly observer: IdentityObserver;
}

/** A hash that is computed or waits for it, and whether each of those who wait for it still does. */
interface UnderWay {
  readonly verdict: Promise<PasswordVerdict>;
  readonly awaited: Credentials['isAwaited'][];
}

/** A row, and whether it is of before: the registry does not answer now. */
interface Found {
  readonly device: Device | undefined;
  /** What is told to those whom it does not let in. */
  readonly recalled?: Refusal;
}

/**
 * Says who a connection belongs to. Reads the registry's row on every connect, so that disabling, rotating and
 * removing take effect with the next one; what is cached is only that a secret matches a hash. While the registry does
 * not answer, a device that proved itself before may do so again with what it proved itself with then.
 */
export class Authenticator {
  readonly #registry: DeviceSource | undefined;
  readonly #observer: IdentityObserver;
  readonly #cache: CredentialCache;
  readonly #queue: HashQueue;
  readonly #isSecret: VerifySecret;
  readonly #tokens: TokenVerifier | undefined;
  readonly #banned: BannedLogins | undefined;
  /** Verifications under way by fingerprint: a device that reconnects impatiently is hashed once. */
  readonly #underWay = new Map<string, UnderWay>();
  /** Cost of the last real hash, so that an unknown user takes as long as a wrong password does in this registry. */
  #usualCost: ScryptCost = defaultCost;

  constructor(options: AuthenticatorOptions) {
    const { registry, cache, hashConcurrency, hashQueueMax, bannedPerMinute = 0, tokens, observer } = options;
    this.#registry = registry;
    this.#observer = observer;
    this.#cache = new CredentialCache(cache);
    this.#queue = new HashQueue(hashConcurrency, hashQueueMax);
    this.#isSecret = options.verifySecret;
    this.#tokens = tokens;
    const verify = (login: BannedLogin) => this.#verifyBanned(login);
    this.#banned = bannedPerMinute > 0 ? new BannedLogins(bannedPerMinute, verify, observer) : undefined;
  }

  /** Connections whose hash runs or waits. */
  get pending(): number {
    return this.#queue.running + this.#queue.waiting;
  }

  /** Refused logins whose password is verified later. */
  get bannedWaiting(): number {
    return this.#banned?.waiting ?? 0;
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
      this.#registryFailed(error);
      return this.#refuse(refusalOf(error), credentials);
    }
  }

  async #verify(credentials: Credentials): Promise<Authentication> {
    const { password, certificate, accepts } = credentials;
    if (certificate !== undefined && !belongsTo(certificate, credentials)) {
      return this.#refuse('bad_credentials', credentials);
    }
    // Whatever else is shown must be right as well: a wrong password is not ignored because the certificate would do.
    if (certificate !== undefined && credentials.certificateSuffices === true && isAbsent(password)) {
      return this.#certified(certificate, credentials);
    }
    if (password === undefined) return this.#refuse('bad_credentials', credentials);
    if (accepts === 'secret') return this.#verifySecret(password, credentials);
    const tokens = this.#tokens;
    if (tokens === undefined) return this.#refuse('server_unavailable', credentials);
    return tokens.takes(password, accepts)
      ? this.#verifyToken(tokens, password, credentials)
      : this.#verifySecret(password, credentials);
  }

  /** A token names its device, and the registry says what that may do. What is wrong with one is told to nobody outside. */
  async #verifyToken(tokens: TokenVerifier, password: Uint8Array, credentials: Credentials): Promise<Authentication> {
    const verdict = await tokens.verify(password, credentials);
    if ('unverified' in verdict) return this.#refuse(verdict.unverified, credentials);
    if ('rejected' in verdict) return this.#reject(tokens, verdict.rejected, credentials);
    const { certificate } = credentials;
    if (certificate !== undefined && certificate.deviceId !== verdict.deviceId) {
      return this.#reject(tokens, 'wrong_device', credentials);
    }
    const { device, recalled } = await this.#find(verdict.deviceId);
    if (device === undefined) return this.#reject(tokens, 'unknown_device', credentials);
    if (!device.enabled) return this.#reject(tokens, 'disabled_device', credentials);
    if (!isItsCertificate(device, certificate)) return this.#reject(tokens, 'wrong_device', credentials);
    return { ...this.#accept(device, recalled ? 'recalled' : 'token'), expiresAtMs: verdict.expiresAtMs };
  }

  #reject(tokens: TokenVerifier, rejection: TokenRejection, credentials: Credentials): Authentication {
    const { listener, username = '' } = credentials;
    tokens.observer.rejected(rejection, listener, isUsableId(username) ? username : '');
    return this.#refuse('bad_credentials', credentials);
  }

  async #verifySecret(password: Uint8Array, credentials: Credentials): Promise<Authentication> {
    const { username, withoutHash } = credentials;
    // An id that can't exist is refused without a hash: everybody can tell it from one that could.
    if (username === undefined || !isUsableId(username)) {
      return this.#refuse('bad_credentials', credentials);
    }
    const { device: before, recalled } = await this.#find(username);
    const fingerprint = this.#cache.fingerprint(username, before?.secretHash ?? '', password);
    const remembered = this.#cache.recall(username, fingerprint);
    // What was never found right can't be now: the secret may be another one by now.
    if (recalled !== undefined && remembered !== 'right') return this.#refuse(recalled, credentials);
    // Whatever is known of it by now: to whom is banned, wrong and unknown must look the same.
    if (withoutHash === true && remembered !== 'right') {
      if (remembered === undefined) {
        this.#banned?.refused(before, password, fingerprint, credentials);
      }
      return this.#refuse('rate_exceeded', credentials);
    }
    const verdict = remembered ?? (await this.#hashOnce(fingerprint, username, before, password, credentials));
    if (verdict === 'busy') return this.#refuse('server_busy', credentials);
    if (verdict === 'unusable') return this.#refuse('server_unavailable', credentials);
    // The row may have changed while the hash was computed: what counts is the row of now.
    const device = remembered === undefined ? (await this.#find(username)).device : before;
    if (verdict === 'wrong' || device === undefined || device.secretHash !== before?.secretHash) {
      return this.#refuse('bad_credentials', credentials);
    }
    if (!isItsCertificate(device, credentials.certificate)) return this.#refuse('bad_credentials', credentials);
    if (!device.enabled) return this.#refuse('not_authorized', credentials);
    return this.#accept(device, recalled ? 'recalled' : remembered === undefined ? 'hashed' : 'cached');
  }

  /** Disabled devices are told the same as unknown ones: the certificate says nothing about what the registry holds. */
  async #certified(certificate: ClientCertificate, credentials: Credentials): Promise<Authentication> {
    const { deviceId = '' } = certificate;
    const { device, recalled } = await this.#find(deviceId);
    if (device?.enabled !== true || !isItsCertificate(device, certificate)) {
      return this.#refuse('bad_credentials', { ...credentials, username: deviceId });
    }
    return this.#accept(device, recalled ? 'recalled' : 'certificate');
  }

  /** @throws {DeviceRegistryError} when the registry fails and nothing that counts is known of the device. */
  async #find(deviceId: string): Promise<Found> {
    if (this.#registry === undefined)
      throw new DeviceRegistryError('registry_unopenable', 'there is no device registry');
    try {
      return { device: await this.#registry.find(deviceId) };
    } catch (error) {
      const device = this.#registry.recall?.(deviceId);
      if (device === undefined) throw error;
      this.#registryFailed(error);
      return { device, recalled: refusalOf(error) };
    }
  }

  #registryFailed(error: unknown): void {
    const code = codeOf(error);
    this.#observer.registryFailed(code, error instanceof Error ? error.message : String(error));
  }

  /**
   * Not by `#hashOnce`, which remembers what was wrong: of devices that there are alone, it would be refused sooner the next
   * time, from an address that is not banned.
   */
  async #verifyBanned(login: BannedLogin): Promise<PasswordVerdict> {
    const { device, password, fingerprint, source } = login;
    const stored = device === undefined ? decoyHash(this.#usualCost) : this.#parse(device);
    if (stored === undefined) return 'unusable';
    // Among those of known addresses, or a flood of others would hold up all that are banned. They are few a minute.
    const right = await this.#queue.run(() => this.#isSecret(password, stored), source, true);
    if (right === undefined) return 'busy';
    if (device === undefined) return 'wrong';
    if (right) this.#cache.remember(device.deviceId, fingerprint, true);
    return right ? 'right' : 'wrong';
  }

  #hashOnce(
    fingerprint: string,
    deviceId: string,
    device: Device | undefined,
    password: Uint8Array,
    { source, isKnownSource, isAwaited }: Credentials,
  ): Promise<PasswordVerdict> {
    const underWay = this.#underWay.get(fingerprint);
    if (underWay !== undefined) {
      underWay.awaited.push(isAwaited);
      return underWay.verdict;
    }
    const stored = device === undefined ? decoyHash(this.#usualCost) : this.#parse(device);
    if (stored === undefined) return Promise.resolve('unusable');
    // Who has hung up meanwhile, or was told that it takes too long, costs nothing; who has come back since joins in.
    const awaited = [isAwaited];
    const isWanted = (): boolean => awaited.some((each) => each?.() !== false);
    const verify = async () => (isWanted() ? await this.#isSecret(password, stored) : undefined);
    const verifying = this.#queue.run(verify, source, isKnownSource);
    if (verifying === undefined) return Promise.resolve('busy');
    const verdict = verifying
      .then((right): PasswordVerdict => {
        if (right === undefined) return 'busy';
        this.#cache.remember(deviceId, fingerprint, right);
        return right ? 'right' : 'wrong';
      })
      .finally(() => this.#underWay.delete(fingerprint));
    this.#underWay.set(fingerprint, { verdict, awaited });
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

  #accept(device: Device, verification: Verification): { readonly identity: Identity } {
    this.#observer.authenticated(verification);
    this.#registry?.remember?.(device);
    return { identity: identityOf(device) };
  }

  #refuse(refusal: Refusal, { listener, username = '' }: Credentials): Authentication {
    this.#observer.refused(refusal, listener, isUsableId(username) ? username : '');
    return { refused: refusal };
  }
}

/** Who asks more of the registry than it can answer is to come again; it is not away. */
const refusalOf = (error: unknown): Refusal =>
  error instanceof DeviceRegistryError && error.code === 'registry_overloaded' ? 'server_busy' : 'server_unavailable';

function codeOf(error: unknown): DeviceRegistryErrorCode | 'hash_failed' {
  if (error instanceof DeviceRegistryError) return error.code;
  return error instanceof HashError ? 'hash_failed' : 'registry_failed';
}

const isAbsent = (password: Uint8Array | undefined): boolean => password === undefined || password.length === 0;

/** User name and client identifier may be left out beside a certificate, but must not say anything else. */
const certificateRules: AgreementRules = { userName: 'optional', clientId: 'equal' };

const belongsTo = ({ deviceId }: ClientCertificate, claimant: Claimant): boolean =>
  deviceId !== undefined && agrees(deviceId, certificateRules, claimant);

/** A device that is bound to one certificate can show no other; without any it proves itself by what else is asked for. */
const isItsCertificate = (device: Device, certificate: ClientCertificate | undefined): boolean =>
  device.certificateFingerprint === undefined ||
  certificate === undefined ||
  certificate.fingerprint === device.certificateFingerprint;
