import { setTimeout as pause } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Device } from './device.ts';
import { HashQueue } from './hash-queue.ts';
import type { IdentityObserver, PasswordVerdict } from './observer.ts';

/** A login of a device that was refused unheard. */
export interface BannedLogin {
  /** Undefined: there is no such device, and a password of nobody's is verified. */
  readonly device: Device | undefined;
  readonly password: Uint8Array;
  /** Of the device, its stored hash, and the password. */
  readonly fingerprint: string;
  /** Its address. */
  readonly source: string;
  /** A device has logged in from there lately. */
  readonly isKnownSource: boolean;
}

/** Finds out about a password, and has it remembered if it is right. */
type Verify = (login: BannedLogin) => Promise<PasswordVerdict>;

/** Names and addresses that wait, of known addresses and of others, each. */
const mostWaiting = 500;
/** Longer passwords are not kept: secrets that the gateway makes have 22 characters. */
const mostPasswordBytes = 256;
/** A device that is configured wrong goes on with the same password: it takes a turn only once in a while. */
const wrongTtlMs = 600_000;
const mostWrong = 10_000;
/** All names that nobody has, from wherever, wait in one place. */
const decoy = '';

/**
 * Verifies passwords of banned logins after they were refused, slowly, one at a time: a device that shares its address with
 * somebody who guesses passwords is banned with it, and gets in with the first try after its password was found right. Nobody
 * sees by the answer, or by its time, what was verified, or whether there is such a device; nor by what others wait for: a
 * name that nobody has takes a turn, too, all of those together one.
 *
 * Addresses take turns, known ones every second; within an address names do. Of each name only the last password is kept.
 */
export class BannedLogins {
  readonly #pauseMs: number;
  readonly #verify: Verify;
  readonly #observer: Pick<IdentityObserver, 'bannedVerified' | 'registryFailed'>;
  readonly #turns = new HashQueue(1, mostWaiting);
  /** By address and name. */
  readonly #latest = new Map<string, BannedLogin>();
  readonly #wrong = new LRUCache<string, true>({ max: mostWrong, ttl: wrongTtlMs });

  /** @param perMinute how many at the most, over all addresses. */
  constructor(
    perMinute: number,
    verify: Verify,
    observer: Pick<IdentityObserver, 'bannedVerified' | 'registryFailed'>,
  ) {
    this.#pauseMs = 60_000 / perMinute;
    this.#verify = verify;
    this.#observer = observer;
  }

  /** Pairs of address and name that wait. */
  get waiting(): number {
    return this.#latest.size;
  }

  /**
   * A login is about to be refused. Nothing happens before that: what follows depends on whether there is such a device.
   *
   * @param device undefined: there is none.
   */
  refused(
    device: Device | undefined,
    password: Uint8Array,
    fingerprint: string,
    from: { readonly source?: string; readonly isKnownSource?: boolean },
  ): void {
    const { source = '', isKnownSource = false } = from;
    setImmediate(() => {
      if (password.length > mostPasswordBytes || this.#wrong.has(fingerprint)) return;
      this.#queue({ device, password, fingerprint, source, isKnownSource });
    });
  }

  #queue(login: BannedLogin): void {
    const { device, source, isKnownSource } = login;
    const key = device === undefined ? decoy : `${source}\0${device.deviceId}`;
    const isWaiting = this.#latest.has(key);
    this.#latest.set(key, login);
    if (isWaiting) return;
    const turn = this.#turns.run(() => this.#take(key), source, isKnownSource);
    if (turn === undefined) this.#latest.delete(key);
    else void turn.then((isDone) => isDone ?? this.#latest.delete(key));
  }

  async #take(key: string): Promise<true> {
    const login = this.#latest.get(key);
    this.#latest.delete(key);
    if (login !== undefined) await this.#judge(login);
    // Before the next one, whoever it is.
    await pause(this.#pauseMs, undefined, { ref: false });
    return true;
  }

  async #judge(login: BannedLogin): Promise<void> {
    try {
      const verdict = await this.#verify(login);
      if (login.device === undefined) return;
      if (verdict === 'wrong') this.#wrong.set(login.fingerprint, true);
      this.#observer.bannedVerified(verdict);
    } catch (error) {
      this.#observer.registryFailed('registry_failed', error instanceof Error ? error.message : String(error));
    }
  }
}
