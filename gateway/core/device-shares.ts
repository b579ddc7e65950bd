export interface ShareSettings {
  /** What a device may have per minute in the long run. */
  readonly perMinute: number;
  /** What a device may have at once, after a quiet time. */
  readonly burst: number;
  /** Devices that are remembered. */
  readonly maxDevices: number;
}

/** What a device has had: a token bucket, and what came while it was empty. */
interface Share {
  tokens: number;
  filledAtMs: number;
  refused: number;
}

const msPerMinute = 60_000;

/**
 * A share of something for each of many devices. Bounded: of more devices than it may remember, the one that has asked
 * the longest ago is forgotten, and begins with a full share again.
 */
export class DeviceShares {
  readonly #settings: ShareSettings;
  /** In the order in which they asked last. */
  readonly #shares = new Map<string, Share>();

  constructor(settings: ShareSettings) {
    this.#settings = settings;
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#shares.size;
  }

  /**
   * Takes one of the device's share.
   *
   * @param nowMs milliseconds since the epoch; may step backwards.
   * @returns how often it was refused since it was last given one; −1: it is refused this time, too.
   */
  take(deviceId: string, nowMs: number): number {
    const share = this.#shareOf(deviceId, nowMs);
    if (share.tokens < 1) {
      share.refused += 1;
      return -1;
    }
    share.tokens -= 1;
    const { refused } = share;
    share.refused = 0;
    return refused;
  }

  #shareOf(deviceId: string, nowMs: number): Share {
    const { perMinute, burst, maxDevices } = this.#settings;
    const known = this.#shares.get(deviceId);
    const share = known ?? { tokens: burst, filledAtMs: nowMs, refused: 0 };
    const elapsedMs = Math.max(0, nowMs - share.filledAtMs);
    share.tokens = Math.min(burst, share.tokens + (elapsedMs / msPerMinute) * perMinute);
    share.filledAtMs = nowMs;
    // Behind all others.
    if (known !== undefined) this.#shares.delete(deviceId);
    this.#shares.set(deviceId, share);
    if (this.#shares.size > maxDevices) {
      const [oldest] = this.#shares.keys();
      if (oldest !== undefined) this.#shares.delete(oldest);
    }
    return share;
  }
}
