import type { BanLimits } from './admission-limits.ts';
import { BanList } from './ban-list.ts';
import { FailureCounts } from './failure-counts.ts';
import type { BanKind, LimitsObserver } from './observer.ts';
import type { Peer } from './peer.ts';

/** Names of devices are shorter. Whoever sends longer ones fails under one name. */
const longestLogin = 128;

const keyOf = ({ key }: Peer, login: string): string => `${key}\0${login.length > longestLogin ? '' : login}`;

/**
 * Who has failed to log in too often, by address, and by the pair of address and name. There is no ban of a name: whoever
 * knows a device's name could keep the device out with it, from anywhere.
 *
 * Nor does a ban keep out who can be recognised without work. It means that no password is hashed before the answer, but
 * for a few afterwards (`identity/banned-logins.ts`), and that most sockets are closed at accept where no device has logged
 * in lately. So a device that shares its address with an attacker gets in as before, or a little later.
 */
export class Bans {
  readonly #limits: BanLimits;
  readonly #observer: LimitsObserver;
  readonly #failures: FailureCounts;
  readonly #logins: BanList;
  readonly #addresses: BanList;

  constructor(limits: BanLimits, maxTracked: number, observer: LimitsObserver) {
    this.#limits = limits;
    this.#observer = observer;
    this.#failures = new FailureCounts(limits.windowSeconds * 1000, maxTracked);
    this.#logins = new BanList(limits.seconds * 1000, maxTracked);
    this.#addresses = new BanList(limits.seconds * 1000, maxTracked);
  }

  get addresses(): number {
    return this.#addresses.size;
  }

  get logins(): number {
    return this.#logins.size;
  }

  hasAddress(peer: Peer, nowMs: number): boolean {
    return !peer.isExempt && this.#addresses.has(peer.key, nowMs);
  }

  /** Whether no hash may be computed before this login is answered: it, or its address, is banned. */
  hasLogin(peer: Peer, login: string, nowMs: number): boolean {
    if (peer.isExempt) return false;
    return this.#addresses.has(peer.key, nowMs) || this.#logins.has(keyOf(peer, login), nowMs);
  }

  /** The credentials were right. Bans stay: it may be the attacker's neighbour. */
  succeeded(peer: Peer, login: string, nowMs: number): void {
    const { windowSeconds, knownForSeconds } = this.#limits;
    peer.succeeded(nowMs, windowSeconds * 1000, knownForSeconds * 1000);
    this.#failures.forget(keyOf(peer, login));
  }

  /** The credentials were wrong, whether or not there is a device of this name. */
  failed(peer: Peer, login: string, nowMs: number): void {
    const { enabled, windowSeconds, failuresPerLogin, namesPerAddress } = this.#limits;
    if (!enabled || peer.isExempt) return;
    const key = keyOf(peer, login);
    const failures = this.#failures.add(key, nowMs);
    if (failures === 1) peer.failedAnew(nowMs, windowSeconds * 1000);
    if (failures >= failuresPerLogin) this.#ban('login', this.#logins, key, peer, nowMs);
    if (peer.failuresBeyondSuccesses() >= namesPerAddress) this.#ban('address', this.#addresses, peer.key, peer, nowMs);
  }

  /** What fails while a ban lasts makes it no longer: a neighbour could go on with that for ever. */
  #ban(kind: BanKind, bans: BanList, key: string, peer: Peer, nowMs: number): void {
    if (bans.add(key, nowMs)) this.#observer.banned(kind, peer.key);
  }

  sweep(nowMs: number): void {
    this.#failures.sweep(nowMs);
    this.#logins.sweep(nowMs);
    this.#addresses.sweep(nowMs);
  }
}
