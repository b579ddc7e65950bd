import type { DeviceEvent } from '../event.ts';
import type { Identity } from '../identity.ts';
import { digitCount, writeDigits } from './decimal.ts';
import { writeBytes } from './header-writer.ts';

/** Longer ones, which only keys out of an operator's own messages can make, are written each time: connections are many. */
const mostBytes = 2048;
const nothing = new Uint8Array(0);

/**
 * The headers that a device's last event began with, as bytes: the next one's differ only in the times and in the digits
 * of the sequence, and copying them all costs a fraction of writing them one by one.
 *
 * Holds for events of one device, subject, key and boot id, with as many digits in the sequence, written by one writer.
 */
export class HeaderTemplate {
  #writer: object | undefined;
  #identity: Identity | undefined;
  #subject = '';
  #key = '';
  #bootId = -1;
  #digits = 0;
  /** Sequences with so many digits. */
  #fromSequence = 0;
  #belowSequence = 0;
  #bytes = nothing;
  /** What `#bytes` is all or a part of: it does not shrink, so that devices that say two things in turn don't make two arrays. */
  #room = nothing;
  /** Where `ce_id` ends, whose last digits are the sequence. The last digits of all are again the sequence, in `ce_sequence`. */
  #idEnd = 0;

  isOf(writer: object, { publish, subject, key, bootId, sequence }: DeviceEvent): boolean {
    return (
      writer === this.#writer &&
      bootId === this.#bootId &&
      sequence >= this.#fromSequence &&
      sequence < this.#belowSequence &&
      publish.identity === this.#identity &&
      subject === this.#subject &&
      key === this.#key
    );
  }

  /** Writes the headers with another sequence; their times are to be written over. Returns the end offset. */
  copy(sequence: number, target: Uint8Array, offset: number): number {
    const end = writeBytes(this.#bytes, target, offset);
    if (end > target.length) return end;
    const digits = this.#digits;
    const idDigitsAt = offset + this.#idEnd - digits;
    const sequenceDigitsAt = end - digits;
    writeDigits(sequence, digits, target, idDigitsAt);
    for (let i = 0; i < digits; i++) target[sequenceDigitsAt + i] = target[idDigitsAt + i] as number;
    return end;
  }

  /** Copies what was written from `offset` to `end`. */
  learn(writer: object, event: DeviceEvent, target: Uint8Array, offset: number, idEnd: number, end: number): void {
    const length = end - offset;
    if (length > mostBytes) return;
    const digits = digitCount(event.sequence);
    // First, as it may fail for want of memory: nothing must be taken for bytes that are not there.
    this.#writer = undefined;
    if (this.#room.length < length) this.#room = new Uint8Array(length);
    this.#bytes = this.#room.length === length ? this.#room : this.#room.subarray(0, length);
    for (let i = 0; i < length; i++) this.#bytes[i] = target[offset + i] as number;
    this.#writer = writer;
    this.#identity = event.publish.identity;
    this.#subject = event.subject;
    this.#key = event.key;
    this.#bootId = event.bootId;
    this.#digits = digits;
    this.#fromSequence = digits === 1 ? 0 : 10 ** (digits - 1);
    this.#belowSequence = 10 ** digits;
    this.#idEnd = idEnd - offset;
  }
}
