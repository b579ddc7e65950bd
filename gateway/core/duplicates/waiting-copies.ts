import { duplicate, isDurable, type Outcome, unanswered } from '../outcome.ts';
import type { Publish, Settleable } from '../publish.ts';

/** How many copies, and how many bytes of payload, may wait. */
export interface WaitingLimits {
  readonly maxWaitingCopies: number;
  readonly maxWaitingBytes: number;
}

/** Copies of one event beyond which a further one does not wait: no device sends more at once. */
const maxPerEvent = 4;

/** A copy of an event that is pending, waiting for how the first one ends. */
class WaitingCopy implements Settleable {
  readonly publish: Publish;
  readonly bootId: number;
  readonly bytes: number;
  readonly #owner: WaitingCopies;

  constructor(publish: Publish, bootId: number, bytes: number, owner: WaitingCopies) {
    this.publish = publish;
    this.bootId = bootId;
    this.bytes = bytes;
    this.#owner = owner;
  }

  /** @param outcome that of the first copy. */
  settleRecord(outcome: Outcome): void {
    this.#owner.count -= 1;
    this.#owner.bytes -= this.bytes;
    this.publish.settleRecord(isDurable(outcome) ? duplicate : outcome);
  }
}

/** Copies that came while the first one was pending, by the first one's device and sequence. */
export class WaitingCopies {
  readonly #limits: WaitingLimits;
  readonly #byDevice = new Map<number, Map<number, WaitingCopy[]>>();
  /** Copies that have not been told how the first one ended. */
  count = 0;
  /** Their share of the payloads that they are in. */
  bytes = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  /** Devices of which something is held. */
  get devices(): number {
    return this.#byDevice.size;
  }

  /**
   * Whether a copy of the event may wait, beside `others` of its publish. Copies whose connection has ended make room: the
   * device has sent the event again since, and their answers reach nobody.
   */
  hasRoom(device: number, bootId: number, sequence: number, others: number): boolean {
    const { maxWaitingCopies, maxWaitingBytes } = this.#limits;
    if (this.count + others >= maxWaitingCopies || this.bytes >= maxWaitingBytes) return false;
    const sameSequence = this.#byDevice.get(device)?.get(sequence);
    if (sameSequence === undefined) return true;
    const waiting = sameSequence.filter(({ publish }) => !publish.isAbandoned);
    if (waiting.length < sameSequence.length) {
      this.#keep(device, sequence, waiting);
      for (const copy of sameSequence) if (!waiting.includes(copy)) copy.settleRecord(unanswered);
    }
    return waiting.filter((copy) => copy.bootId === bootId).length < maxPerEvent;
  }

  /** Exchanges the copies of a device's sequence; nothing is left behind of those that are none. */
  #keep(device: number, sequence: number, copies: WaitingCopy[]): void {
    const ofDevice = this.#byDevice.get(device);
    if (copies.length > 0) ofDevice?.set(sequence, copies);
    else ofDevice?.delete(sequence);
    if (ofDevice?.size === 0) this.#byDevice.delete(device);
  }

  /**
   * Has a copy wait for the event that is pending under the same device, boot id and sequence. Announced to its publish
   * before, with `expect`.
   */
  add(device: number, bootId: number, sequence: number, publish: Publish, bytes: number): void {
    const copy = new WaitingCopy(publish, bootId, bytes, this);
    this.count += 1;
    this.bytes += bytes;
    const ofDevice = this.#byDevice.get(device) ?? new Map<number, WaitingCopy[]>();
    const sameSequence = ofDevice.get(sequence) ?? [];
    sameSequence.push(copy);
    ofDevice.set(sequence, sameSequence);
    this.#byDevice.set(device, ofDevice);
  }

  /** Takes out the copies of an event, which are to be told how it ended; undefined when there are none. */
  take(device: number, bootId: number, sequence: number): readonly Settleable[] | undefined {
    const sameSequence = this.#byDevice.get(device)?.get(sequence);
    if (sameSequence === undefined) return undefined;
    const others = sameSequence.filter((copy) => copy.bootId !== bootId);
    this.#keep(device, sequence, others);
    return sameSequence.filter((copy) => copy.bootId === bootId);
  }
}
