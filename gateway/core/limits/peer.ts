import type { Kept } from './kept-table.ts';
import { type BucketRate, TokenBucket } from './token-bucket.ts';

/** What is known of an address (of IPv6: of a network of 64 bits), and counted over all that comes from it. */
export class Peer implements Kept {
  readonly key: string;
  /** Stands for many by the operator's word, a load balancer for example: nothing is limited by its address. */
  readonly isExempt: boolean;
  readonly handshakes: TokenBucket;
  readonly connects: TokenBucket;
  /** Sockets that are open. */
  uses = 0;
  /** A device has logged in from it, some time. */
  isProven = false;
  /** What it may open while it is banned; made when it is. */
  whileBanned: TokenBucket | undefined;
  /** Connections of devices whose credentials were right. */
  #devices = 0;
  #windowEndsAtMs = Number.NEGATIVE_INFINITY;
  #failedLogins = 0;
  #succeededLogins = 0;
  #provenUntilMs = Number.NEGATIVE_INFINITY;

  constructor(key: string, isExempt: boolean, handshakes: BucketRate, connects: BucketRate, nowMs: number) {
    this.key = key;
    this.isExempt = isExempt;
    this.handshakes = new TokenBucket(handshakes, nowMs);
    this.connects = new TokenBucket(connects, nowMs);
  }

  /** Whether a device is connected from it, or was lately. */
  isKnown(nowMs: number): boolean {
    return this.#devices > 0 || nowMs < this.#provenUntilMs;
  }

  /** A device is connected from it; `deviceLeft` must follow when it is no more. */
  deviceCame(): void {
    this.#devices += 1;
  }

  /** It may have been there for days: what counts is when it went, for then it comes back. */
  deviceLeft(nowMs: number, knownForMs: number): void {
    this.#devices -= 1;
    this.#provenUntilMs = nowMs + knownForMs;
  }

  succeeded(nowMs: number, windowMs: number, knownForMs: number): void {
    this.#beginWindow(nowMs, windowMs);
    this.#succeededLogins += 1;
    this.isProven = true;
    this.#provenUntilMs = nowMs + knownForMs;
  }

  /** A login has failed that had not failed from here before. */
  failedAnew(nowMs: number, windowMs: number): void {
    this.#beginWindow(nowMs, windowMs);
    this.#failedLogins += 1;
  }

  /** By how many the different logins that have failed exceed those that succeeded, in this window. */
  failuresBeyondSuccesses(): number {
    return this.#failedLogins - this.#succeededLogins;
  }

  #beginWindow(nowMs: number, windowMs: number): void {
    if (nowMs < this.#windowEndsAtMs) return;
    this.#windowEndsAtMs = nowMs + windowMs;
    this.#failedLogins = 0;
    this.#succeededLogins = 0;
  }
}
