import type { DeviceRegistryError, DeviceRegistryErrorCode } from '../registry-error.ts';

const ofTheServer: ReadonlySet<DeviceRegistryErrorCode> = new Set([
  'registry_unreachable',
  'registry_timeout',
  'registry_refused',
]);
const tryEveryMs = 500;

/**
 * Whether the server is down: then who asks is told so at once, but for one now and then who tries. Thousands that come
 * back at the same time must not wait for a timeout each.
 */
export class Outage {
  #failure: DeviceRegistryError | undefined;
  #tryAtMs = 0;

  /** The failure to be told without trying; undefined: try. */
  refusal(nowMs: number): DeviceRegistryError | undefined {
    if (this.#failure === undefined || nowMs < this.#tryAtMs) return this.#failure;
    this.#tryAtMs = nowMs + tryEveryMs;
    return undefined;
  }

  failed(failure: DeviceRegistryError, nowMs: number): void {
    if (!ofTheServer.has(failure.code)) return;
    this.#failure = failure;
    this.#tryAtMs = nowMs + tryEveryMs;
  }

  worked(): void {
    this.#failure = undefined;
  }
}
