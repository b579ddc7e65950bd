import type { AdmissionLimits } from './admission-limits.ts';
import { type Kept, KeptTable } from './kept-table.ts';
import { isLimited, MessageRate, type RateLimits } from './message-rate.ts';
import type { LimitRefusal } from './observer.ts';
import { type BucketRate, TokenBucket } from './token-bucket.ts';

/** What is counted over all connections of one device. */
export class DeviceAccount implements Kept {
  readonly key: string;
  readonly connects: TokenBucket;
  /** Undefined where messages have no rate. */
  readonly rate: MessageRate | undefined;
  /** Connections. */
  uses = 0;
  /** Its credentials were right; those of an anonymous client are not even asked for. */
  isProven: boolean;

  constructor(key: string, isProven: boolean, connects: BucketRate, rates: RateLimits, nowMs: number) {
    this.key = key;
    this.isProven = isProven;
    this.connects = new TokenBucket(connects, nowMs);
    this.rate = isLimited(rates) ? new MessageRate(rates, nowMs) : undefined;
  }
}

/**
 * Limits of devices whose credentials were right: nobody else can use up what is a device's. An anonymous client has only
 * a name that it chose, which others may choose as well: it has the rate of messages and no other limit here.
 */
export class DeviceAccounts {
  readonly #connects: BucketRate;
  readonly #perDevice: number;
  readonly #rates: RateLimits;
  readonly #accounts: KeptTable<DeviceAccount>;

  constructor({ connects, connections, maxTracked }: AdmissionLimits, rates: RateLimits) {
    this.#connects = { perSecond: connects.perSecondPerDevice, burst: connects.burstPerDevice };
    this.#perDevice = connections.perDevice;
    this.#rates = rates;
    this.#accounts = new KeptTable(maxTracked);
  }

  /**
   * One more connection of a device; the account is held until `close`.
   *
   * @param isVerified its credentials were asked for, and right.
   * @param takesOver it takes the place of another of its connections.
   */
  open(key: string, isVerified: boolean, takesOver: boolean, nowMs: number): DeviceAccount | LimitRefusal {
    const make = () => new DeviceAccount(key, isVerified, this.#connects, this.#rates, nowMs);
    const account = this.#accounts.take(key, make);
    const refusal = isVerified ? this.#refusalOf(account, takesOver, nowMs) : undefined;
    if (refusal === undefined) return account;
    this.#accounts.leave(account);
    return refusal;
  }

  close(account: DeviceAccount): void {
    this.#accounts.leave(account);
  }

  #refusalOf(account: DeviceAccount, takesOver: boolean, nowMs: number): LimitRefusal | undefined {
    if (!account.connects.take(this.#connects, 1, nowMs)) return 'device_connects';
    return account.uses - (takesOver ? 1 : 0) > this.#perDevice ? 'device_connections' : undefined;
  }
}
