import { VerifyError } from './errors.ts';

const eventIdName = Buffer.from('ce_id');

/**
 * Walks through the records of a batch without making an object for each: millions of them are read back. Its fields are
 * those of the record on which it stands.
 */
export class RecordCursor {
  readonly bytes: Buffer;
  offsetDelta = 0;
  keyStart = 0;
  /** Before `keyStart` when the record has no key; likewise for the others. */
  keyEnd = -1;
  valueStart = 0;
  valueEnd = -1;
  eventIdStart = 0;
  eventIdEnd = -1;
  #position = 0;
  #left: number;
  readonly #first: number;
  readonly #end: number;

  /**
   * Stands before the first record; visits offset deltas from `first` up to but not including `end`.
   *
   * @param records of a record batch of format v2, uncompressed; `count` of them.
   */
  constructor(records: Buffer, count: number, first: number, end: number) {
    this.bytes = records;
    this.#left = count;
    this.#first = first;
    this.#end = end;
  }

  /** Moves to the next record; false when there is none. */
  next(): boolean {
    while (this.#left > 0) {
      this.#left -= 1;
      this.#read();
      if (this.offsetDelta >= this.#first && this.offsetDelta < this.#end) return true;
    }
    return false;
  }

  /** Undefined: the record has no key. */
  key(): string | undefined {
    return this.keyEnd < this.keyStart ? undefined : this.bytes.toString('utf8', this.keyStart, this.keyEnd);
  }

  /** The header `ce_id`; undefined when the record has none. */
  eventId(): string | undefined {
    return this.eventIdEnd < this.eventIdStart
      ? undefined
      : this.bytes.toString('utf8', this.eventIdStart, this.eventIdEnd);
  }

  #read(): void {
    const length = this.#varint();
    const end = this.#position + length;
    this.#position += 1;
    this.#skipVarint();
    this.offsetDelta = this.#varint();
    this.keyEnd = this.#varint();
    this.keyStart = this.#position;
    this.keyEnd = this.#skip(this.keyEnd);
    const valueBytes = this.#varint();
    this.valueStart = this.#position;
    this.valueEnd = this.#skip(valueBytes);
    this.#readHeaders(this.#varint());
    if (this.#position !== end || end > this.bytes.length) {
      throw new VerifyError('unreadable_batch', `a record of ${length} bytes does not end where it says`);
    }
  }

  #readHeaders(count: number): void {
    this.eventIdEnd = this.eventIdStart - 1;
    for (let i = 0; i < count; i += 1) {
      const nameBytes = this.#varint();
      const nameStart = this.#position;
      this.#position += nameBytes;
      const isEventId = nameBytes === eventIdName.length && this.#isEventId(nameStart);
      const valueBytes = this.#varint();
      if (isEventId) {
        this.eventIdStart = this.#position;
        this.eventIdEnd = this.#skip(valueBytes);
      } else this.#skip(valueBytes);
    }
  }

  #isEventId(start: number): boolean {
    for (let i = 0; i < eventIdName.length; i += 1) if (this.bytes[start + i] !== eventIdName[i]) return false;
    return true;
  }

  /** Skips a field and returns its end; −1 stands for null. */
  #skip(length: number): number {
    if (length < 0) return this.#position - 1;
    this.#position += length;
    return this.#position;
  }

  /** Zigzag varint of 32 bits. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      const byte = this.bytes[this.#position] as number;
      this.#position += 1;
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  #skipVarint(): void {
    while ((this.bytes[this.#position] as number) >= 128) this.#position += 1;
    this.#position += 1;
  }
}
