import type { Account } from '../account.ts';
import type { DeviceEvent } from '../event.ts';
import { isDurable, type Outcome } from '../outcome.ts';
import type { Settleable } from '../publish.ts';
import type { SequenceObserver } from './observer.ts';
import type { Reach } from './reach.ts';
import { RecentDevices } from './recent-devices.ts';
import { SequenceWindows, type Sighting, settled, unseen } from './sequence-windows.ts';
import { WaitingCopies, type WaitingLimits } from './waiting-copies.ts';

export interface DeviceWindowsSettings extends WaitingLimits {
  /** Devices remembered at once. */
  readonly maxDevices: number;
  /** Sequences remembered per boot of a device: a power of two, at least 32. */
  readonly windowSize: number;
}

/** The place of a device that is not remembered. */
export const noPlace = -1;
/** One broken device must not drown what the others miss. */
const maxMissingPerGap = 1_000_000;

/**
 * The sliding windows of rule 6: per device and boot, which events are pending (appended, not settled) and which are
 * settled (on Kafka or in the spool). An event is marked only when all of its records were appended, and counts as
 * settled only when all of them are durable. So what is dropped as a copy is on Kafka or in the spool, whatever the
 * device says with its DUP flag.
 *
 * Bounded: the device that has been quiet for longest makes room for a new one. Devices with unsettled events stay.
 */
export class DeviceWindows {
  readonly #windows: SequenceWindows;
  readonly #recent: RecentDevices;
  readonly #places = new Map<string, number>();
  /** Key of each place. */
  readonly #keys: string[] = [];
  readonly #copies: WaitingCopies;
  readonly observer: SequenceObserver;
  readonly windowSize: number;
  readonly #maxDevices: number;
  #marked = 0;
  #settled = 0;

  constructor(settings: DeviceWindowsSettings, observer: SequenceObserver) {
    const { maxDevices, windowSize } = settings;
    this.windowSize = windowSize;
    this.#maxDevices = maxDevices;
    this.#windows = new SequenceWindows(maxDevices, windowSize);
    this.#recent = new RecentDevices(maxDevices);
    this.#copies = new WaitingCopies(settings);
    this.observer = observer;
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#places.size;
  }

  /** Copies that wait for how the first one ends. */
  get waitingCopies(): number {
    return this.#copies.count;
  }

  /** For the self-check of rule 7: what was marked has been settled, or is counted at its device. */
  accounts(): Account[] {
    return [{ name: 'marked_events', came: this.#marked, went: this.#settled, held: this.#recent.unsettled }];
  }

  /** Where a device is remembered, or `noPlace`. Holds until the next `takePlace`, and while it has unsettled events. */
  placeOf(key: string): number {
    return this.#places.get(key) ?? noPlace;
  }

  sighting(place: number, bootId: number, sequence: number): Sighting {
    if (place < 0) return unseen;
    const window = this.#windows.windowOf(place, bootId);
    return window < 0 ? unseen : this.#windows.sighting(window, sequence);
  }

  /** Whether the boot of a device is one of those that have a window. */
  knowsBoot(place: number, bootId: number): boolean {
    return this.#windows.windowOf(place, bootId) >= 0;
  }

  /** Whether the event is younger than all that its boot has sent, which no copy can be. */
  isYoungest(place: number, event: DeviceEvent): boolean {
    const window = this.#windows.windowOf(place, event.bootId);
    return window >= 0 && deviceTimeUs(event) > this.#windows.latestUs(window);
  }

  /** A place for a device that has none; `noPlace` when every device has unsettled events. */
  takePlace(key: string): number {
    let place = this.#places.size;
    if (place >= this.#maxDevices) {
      place = this.#recent.takeQuiet();
      if (place < 0) {
        this.observer.untracked();
        return noPlace;
      }
      this.#places.delete(this.#keys[place] as string);
      this.observer.forgotten();
    } else {
      this.#recent.add(place);
    }
    this.#windows.clear(place);
    this.#places.set(key, place);
    this.#keys[place] = key;
    return place;
  }

  /**
   * The records of an event that is `unseen` were appended: counts what its sequence tells, and marks it as pending.
   *
   * @returns false when it lies too far back to be remembered: then `settle` must not be called.
   */
  mark(place: number, event: DeviceEvent): boolean {
    const { bootId, sequence } = event;
    const window = this.#windowFor(place, bootId, sequence);
    const ahead = sequence - this.#windows.highest(window);
    if (ahead > 0) this.#advance(window, sequence, ahead);
    else this.#countLate(window, sequence);
    if (!this.#windows.covers(window, sequence)) return false;
    this.#windows.setPending(window, sequence, deviceTimeUs(event));
    this.#recent.began(place);
    this.#marked += 1;
    return true;
  }

  #windowFor(place: number, bootId: number, sequence: number): number {
    const window = this.#windows.windowOf(place, bootId);
    if (window >= 0) return window;
    if (this.#windows.isKnown(place)) this.observer.reset();
    return this.#windows.startBoot(place, bootId, sequence);
  }

  #advance(window: number, sequence: number, ahead: number): void {
    const isFirst = this.#windows.highest(window) < 0;
    if (ahead > 1 && !isFirst) this.observer.gap(Math.min(ahead - 1, maxMissingPerGap));
    this.#windows.advance(window, sequence);
  }

  #countLate(window: number, sequence: number): void {
    // A copy that was not to wait.
    if (this.#windows.sighting(window, sequence) !== unseen) return;
    const isGap = this.#windows.covers(window, sequence) && sequence >= this.#windows.first(window);
    this.observer.late(isGap ? 'gap' : 'unknown');
  }

  /**
   * All records of a marked event are settled, `outcome` being the worst of theirs.
   *
   * @returns copies that have waited for it; they are to be told its outcome.
   */
  settle(place: number, event: DeviceEvent, outcome: Outcome): readonly Settleable[] | undefined {
    const { bootId, sequence } = event;
    this.#settled += 1;
    this.#recent.ended(place);
    const window = this.#windows.windowOf(place, bootId);
    if (window >= 0) this.#windows.settle(window, sequence, isDurable(outcome));
    // Unless another copy, which was not to wait, is durable.
    if (outcome.kind === 'rejected' && this.sighting(place, bootId, sequence) !== settled) this.observer.gap(1);
    return this.#copies.count === 0 ? undefined : this.#copies.take(place, bootId, sequence);
  }

  /**
   * Whether a copy of a pending event may wait for it. If not it is to be written: then it is bounded as every record is.
   *
   * @param reach of its publish: who waited for what that has made forgotten would wait for ever.
   * @param others copies of the same publish that are about to wait.
   */
  mayWait(place: number, event: DeviceEvent, reach: Reach, others: number): boolean {
    const { bootId, sequence } = event;
    if (reach.leavesInSight(event) && this.#copies.hasRoom(place, bootId, sequence, others)) return true;
    this.observer.waitRefused();
    return false;
  }

  /** Has a copy of a pending event wait. Announced to its publish before, with `expect`. */
  wait(place: number, event: DeviceEvent, bytes: number): void {
    this.#copies.add(place, event.bootId, event.sequence, event.publish, bytes);
  }
}

/** Whether two events are of the same time, as copies of each other are. */
export const isSameTime = (a: DeviceEvent, b: DeviceEvent): boolean => Object.is(deviceTimeUs(a), deviceTimeUs(b));

/** As the device says it: an absurd one is replaced in its record by another, which differs from copy to copy. */
function deviceTimeUs({ message }: DeviceEvent): number {
  const timeUs = message?.eventTimeUs;
  return typeof timeUs === 'number' ? timeUs : Number.NaN;
}
