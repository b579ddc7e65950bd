export interface LetterCapSettings {
  /** Dead letters that a device may have per minute in the long run. */
  readonly maxPerDevicePerMinute: number;
  /** Dead letters that a device may have at once, after a quiet time. */
  readonly burstPerDevice: number;
  /** Devices that are remembered; beyond, the one is forgotten whose last rejected publish is the longest ago. */
  readonly maxDevices: number;
}

/** What a device has had: a token bucket, and what came while it was empty. */
interface Share {
  tokens: number;
  filledAtMs: number;
  unkept: number;
}

const msPerMinute = 60_000;

/**
 * Says whether a device that is rejected once more gets one more dead letter, so that one that sends nothing but garbage
 * cannot fill their topic. Only asked when something is rejected.
 */
export class LetterCap {
  readonly #settings: LetterCapSettings;
  /** In the order of their last rejected publish. */
  readonly #shares = new Map<string, Share>();

  constructor(settings: LetterCapSettings) {
    this.#settings = settings;
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#shares.size;
  }

  /**
   * Takes one letter of the device's share.
   *
   * @param nowMs milliseconds since the epoch; may step backwards.
   * @returns how many publishes were not kept since the device's last letter, for this one to tell; −1: this one is not to
   * be kept either.
   */
  take(deviceId: string, nowMs: number): number {
    const share = this.#shareOf(deviceId, nowMs);
    if (share.tokens < 1) {
      share.unkept += 1;
      return -1;
    }
    share.tokens -= 1;
    const { unkept } = share;
    share.unkept = 0;
    return unkept;
  }

  #shareOf(deviceId: string, nowMs: number): Share {
    const { maxPerDevicePerMinute, burstPerDevice, maxDevices } = this.#settings;
    const known = this.#shares.get(deviceId);
    const share = known ?? { tokens: burstPerDevice, filledAtMs: nowMs, unkept: 0 };
    const elapsedMs = Math.max(0, nowMs - share.filledAtMs);
    share.tokens = Math.min(burstPerDevice, share.tokens + (elapsedMs / msPerMinute) * maxPerDevicePerMinute);
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
