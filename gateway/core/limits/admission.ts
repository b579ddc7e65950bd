import { addressKey } from './address-key.ts';
import type { AdmissionLimits } from './admission-limits.ts';
import { Bans } from './bans.ts';
import { DeviceAccounts } from './devices.ts';
import { KeptTable } from './kept-table.ts';
import type { RateLimits } from './message-rate.ts';
import type { LimitRefusal, LimitsObserver } from './observer.ts';
import { Peer } from './peer.ts';
import { type BucketRate, TokenBucket } from './token-bucket.ts';

/** What share of the CONNECTs, a quarter, only those have who can be told from strangers. */
const reservedShare = 4;
/** CONNECTs beyond the connections of an address that still are answered, so that the answer can be given. */
const socketsPerConnection = 1.1;
const moreSockets = 100;

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  /** What a device may send. */
  readonly rates: RateLimits;
  /** Whether an address stands for many. */
  readonly isExempt: (address: string) => boolean;
  readonly observer: LimitsObserver;
  /** Milliseconds that never jump; those of all other calls as well. */
  readonly nowMs: number;
}

/**
 * Who may begin what: sockets, TLS handshakes, CONNECTs, logins. Everything is bounded, and counted over all, by address,
 * and by device once its credentials were right; never by a name that somebody only claims.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly observer: LimitsObserver;
  readonly #isExempt: (address: string) => boolean;
  readonly #handshakesPerAddress: BucketRate;
  readonly #connectsPerAddress: BucketRate;
  readonly #socketsWhileBanned: BucketRate;
  readonly #handshakes: TokenBucket;
  readonly #connects: TokenBucket;
  readonly #peers: KeptTable<Peer>;
  readonly bans: Bans;
  readonly devices: DeviceAccounts;

  constructor({ limits, rates, isExempt, observer, nowMs }: AdmissionOptions) {
    const { handshakes, connects, bans, maxTracked } = limits;
    this.#limits = limits;
    this.observer = observer;
    this.#handshakesPerAddress = { perSecond: handshakes.perSecondPerAddress, burst: handshakes.burstPerAddress };
    this.#connectsPerAddress = { perSecond: connects.perSecondPerAddress, burst: connects.burstPerAddress };
    this.#socketsWhileBanned = { perSecond: bans.socketsPerSecond, burst: bans.socketsPerSecond };
    this.#handshakes = new TokenBucket(handshakes, nowMs);
    this.#connects = new TokenBucket(connects, nowMs);
    this.#isExempt = isExempt;
    this.#peers = new KeptTable(maxTracked);
    this.bans = new Bans(bans, maxTracked, observer);
    this.devices = new DeviceAccounts(limits, rates);
  }

  /** Addresses that are known at present. */
  get peers(): number {
    return this.#peers.size;
  }

  get handshakeQueueMax(): number {
    return this.#limits.handshakes.queueMax;
  }

  /** A socket was accepted. Undefined: it has to be closed. Otherwise `leave` must follow when it is. */
  arrive(address: string, nowMs: number): Peer | undefined {
    const key = addressKey(address);
    const peer = this.#peers.take(key, () => {
      return new Peer(key, this.#isExempt(address), this.#handshakesPerAddress, this.#connectsPerAddress, nowMs);
    });
    const refusal = this.#refusalAtAccept(peer, nowMs);
    if (refusal === undefined) return peer;
    this.observer.refused(refusal, peer.key);
    this.#peers.leave(peer);
    return undefined;
  }

  #refusalAtAccept(peer: Peer, nowMs: number): LimitRefusal | undefined {
    if (peer.isExempt) return undefined;
    if (this.bans.hasAddress(peer, nowMs) && !this.#mayComeThoughBanned(peer, nowMs)) return 'address_banned';
    const { perAddress } = this.#limits.connections;
    const isFull = perAddress > 0 && peer.uses > Math.ceil(perAddress * socketsPerConnection) + moreSockets;
    return isFull ? 'address_sockets' : undefined;
  }

  /** One of those that open sockets may be a device that was never here, or not since the gateway was started. */
  #mayComeThoughBanned(peer: Peer, nowMs: number): boolean {
    if (peer.isKnown(nowMs)) return true;
    peer.whileBanned ??= new TokenBucket(this.#socketsWhileBanned, nowMs);
    return peer.whileBanned.take(this.#socketsWhileBanned, 1, nowMs);
  }

  leave(peer: Peer): void {
    this.#peers.leave(peer);
  }

  /** A device that had logged in from this address is no longer connected. */
  deviceLeft(peer: Peer, nowMs: number): void {
    peer.deviceLeft(nowMs, this.#limits.bans.knownForSeconds * 1000);
  }

  /** Whether an address may begin one more TLS handshake. */
  mayShakeHands(peer: Peer, nowMs: number): boolean {
    if (peer.isExempt || peer.handshakes.take(this.#handshakesPerAddress, 1, nowMs)) return true;
    this.observer.refused('address_handshakes', peer.key);
    return false;
  }

  /** Takes the gateway's own token for a handshake, if there is one. */
  takeHandshake(nowMs: number): boolean {
    return this.#handshakes.take(this.#limits.handshakes, 1, nowMs);
  }

  /** Milliseconds until there is one. */
  handshakeWaitMs(nowMs: number): number {
    return this.#handshakes.waitMs(this.#limits.handshakes, 1, nowMs);
  }

  /** A handshake turned out to resume a session: only now is that known, and the rest of its price given back. */
  resumed(peer: Peer): void {
    const spared = 1 - this.#limits.handshakes.resumedCostPercent / 100;
    this.#handshakes.giveBack(this.#limits.handshakes, spared);
    peer.handshakes.giveBack(this.#handshakesPerAddress, spared);
  }

  /**
   * A CONNECT has come.
   *
   * @param isFamiliar it comes by a certificate, which strangers do not have. Part of the rate is kept for those, and for
   *   addresses that a device has logged in from lately.
   */
  connect(peer: Peer, isFamiliar: boolean, nowMs: number): LimitRefusal | undefined {
    const refusal = this.#refusalOfConnect(peer, isFamiliar, nowMs);
    if (refusal !== undefined) this.observer.refused(refusal, peer.key);
    return refusal;
  }

  #refusalOfConnect(peer: Peer, isFamiliar: boolean, nowMs: number): LimitRefusal | undefined {
    const { connects, connections } = this.#limits;
    if (!peer.isExempt) {
      if (connections.perAddress > 0 && peer.uses > connections.perAddress) return 'address_connections';
      if (!peer.connects.take(this.#connectsPerAddress, 1, nowMs)) return 'address_connects';
    }
    const reserve = isFamiliar || peer.isKnown(nowMs) ? 0 : Math.floor(connects.burst / reservedShare);
    return this.#connects.take(connects, 1, nowMs, reserve) ? undefined : 'connects';
  }

  sweep(nowMs: number): void {
    this.bans.sweep(nowMs);
  }
}
