import { writeFileSync } from 'node:fs';
import { type Authentication, Authenticator } from '../../../../gateway/identity/authenticator.ts';
import type { DeviceRegistry } from '../../../../gateway/identity/registry.ts';
import type { TokenObserver } from '../../../../gateway/identity/tokens/observer.ts';
import {
  type PasswordKind,
  TokenVerifier,
  type TokenVerifierOptions,
} from '../../../../gateway/identity/tokens/token-verifier.ts';
import { TokenIssuer } from '../../../support/token-issuer.ts';
import { makeDevice, RegistryFolder } from '../devices.ts';
import { verifyOnThreads } from '../hashing.ts';

/** What the gateway's clock shows in these tests. */
export const nowMs = 1_800_000_000_000;
export const nowSeconds = nowMs / 1000;

/** Every event of the verification of tokens, in words. */
export class TokenLog implements TokenObserver {
  readonly seen: string[] = [];
  rejected = (reason: string, _listener: string, deviceId: string): void =>
    void this.seen.push(deviceId === '' ? reason : `${reason} ${deviceId}`);
  keysRead = (keys: number, ignored: number): void => void this.seen.push(`read ${keys}, ignored ${ignored}`);
  keysFailed = (code: string): void => void this.seen.push(code);
}

export interface Connect {
  /** Default: `d`; null: none. */
  readonly username?: string | null;
  /** Default: the user name. */
  readonly clientId?: string;
}

/**
 * An authenticator with the devices `d`, `other` and the disabled `off`, and an issuer with the keys `k-1` (ES256) and
 * `r-1` (RS256) whose key set is a file. Gone when disposed.
 */
export class TokenScene implements Disposable {
  readonly folder = new RegistryFolder();
  readonly registry: DeviceRegistry = this.folder.open();
  readonly issuer = new TokenIssuer(() => nowMs).addKey('k-1').addKey('r-1', 'RS256');
  readonly log = new TokenLog();
  readonly verifier: TokenVerifier;
  readonly authenticator: Authenticator;
  monotonicMs = 1_000_000;
  readonly #accepts: PasswordKind;

  private constructor(changes: Partial<TokenVerifierOptions>, accepts: PasswordKind) {
    this.#accepts = accepts;
    this.publish();
    this.verifier = new TokenVerifier({
      source: { file: this.keysFile, url: '', timeoutMs: 1000, maxBytes: 65_536 },
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      issuer: this.issuer.issuer,
      audience: this.issuer.audience,
      clockToleranceSeconds: 30,
      maxLifetimeSeconds: 3600,
      maxTokenBytes: 4096,
      deviceClaim: 'sub',
      userName: 'required',
      clientId: 'equal',
      refreshMs: 3_600_000,
      retryMs: 30_000,
      verifyConcurrency: 2,
      verifyQueueMax: 100,
      observer: this.log,
      now: () => nowMs,
      monotonicMs: () => this.monotonicMs,
      ...changes,
    });
    this.authenticator = new Authenticator({
      verifySecret: verifyOnThreads,
      registry: this.registry,
      cache: { maxEntries: 100, ttlSeconds: 3600 },
      hashConcurrency: 2,
      hashQueueMax: 100,
      tokens: this.verifier,
      observer: { authenticated: () => {}, refused: () => {}, bannedVerified: () => {}, registryFailed: () => {} },
    });
  }

  static async open(changes: Partial<TokenVerifierOptions> = {}, accepts: PasswordKind = 'token'): Promise<TokenScene> {
    const scene = new TokenScene(changes, accepts);
    await scene.registry.add(await makeDevice('d', 'right'));
    await scene.registry.add(await makeDevice('other', 'right'));
    await scene.registry.add(await makeDevice('off', 'right', { enabled: false }));
    await scene.verifier.keys.read();
    scene.log.seen.length = 0;
    return scene;
  }

  get keysFile(): string {
    return this.folder.file('jwks.json');
  }

  /** Writes what the issuer's keys are now, or `text`, to the file of the key set. */
  publish(text: string = this.issuer.jwks): void {
    writeFileSync(this.keysFile, text);
  }

  connect(password: string, { username = 'd', clientId = username ?? 'd' }: Connect = {}): Promise<Authentication> {
    return this.authenticator.authenticate({
      username: username ?? undefined,
      password: Buffer.from(password),
      clientId,
      listener: 'devices',
      auth: 'registry',
      accepts: this.#accepts,
    });
  }

  [Symbol.dispose](): void {
    this.verifier.keys.close();
    this.folder[Symbol.dispose]();
  }
}
