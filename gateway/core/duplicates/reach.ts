import type { DeviceEvent } from '../event.ts';
import type { DeviceWindows } from './device-windows.ts';

/** How far the events of a publish move the windows of their device on, when all of them are marked. */
export class Reach {
  readonly #windowSize: number;
  readonly #highest = new Map<number, number>();
  /** One of them is of a boot that is new, and takes the window of another. */
  #takesWindow = false;

  constructor(events: readonly DeviceEvent[], windows: DeviceWindows, place: number) {
    this.#windowSize = windows.windowSize;
    for (const { bootId, sequence } of events) {
      const highest = this.#highest.get(bootId);
      if (highest === undefined && !windows.knowsBoot(place, bootId)) this.#takesWindow = true;
      if (highest === undefined || sequence > highest) this.#highest.set(bootId, sequence);
    }
  }

  /** Whether one of them that is pending is still remembered then. */
  leavesInSight({ bootId, sequence }: DeviceEvent): boolean {
    return !this.#takesWindow && (this.#highest.get(bootId) ?? sequence) - sequence < this.#windowSize;
  }
}
