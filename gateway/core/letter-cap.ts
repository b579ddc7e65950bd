import { DeviceShares } from './device-shares.ts';
import type { Identity } from './identity.ts';

export interface LetterCapSettings {
  /** Dead letters that a device may have per minute in the long run. */
  readonly maxPerDevicePerMinute: number;
  /** Dead letters that a device may have at once, after a quiet time. */
  readonly burstPerDevice: number;
  /**
   * Devices that are remembered, and as many anonymous clients; beyond, the one is forgotten whose last rejected publish
   * is the longest ago.
   */
  readonly maxDevices: number;
}

/**
 * Says whether a device that is rejected once more gets one more dead letter, so that one that sends nothing but garbage
 * cannot fill their topic. Only asked when something is rejected.
 *
 * An anonymous client calls itself as it likes: it must neither use up the share of a device of that name nor, with a
 * thousand names, have devices forgotten and begin anew.
 */
export class LetterCap {
  readonly #devices: DeviceShares;
  readonly #anonymous: DeviceShares;

  constructor({ maxPerDevicePerMinute: perMinute, burstPerDevice: burst, maxDevices }: LetterCapSettings) {
    this.#devices = new DeviceShares({ perMinute, burst, maxDevices });
    this.#anonymous = new DeviceShares({ perMinute, burst, maxDevices });
  }

  /** Devices and anonymous clients that are remembered. */
  get devices(): number {
    return this.#devices.devices + this.#anonymous.devices;
  }

  /**
   * Takes one letter of the device's share.
   *
   * @param nowMs milliseconds since the epoch; may step backwards.
   * @returns how many publishes were not kept since the device's last letter, for this one to tell; −1: this one is not to
   * be kept either.
   */
  take({ kind, deviceId }: Pick<Identity, 'kind' | 'deviceId'>, nowMs: number): number {
    return (kind === 'anonymous' ? this.#anonymous : this.#devices).take(deviceId, nowMs);
  }
}
