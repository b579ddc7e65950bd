import { nullValue, type RecordEncoder } from '../core/record-sink.ts';
import { emptyKey } from './key-bytes.ts';
import { baseTimestampOf, recordsOf } from './sealed-batch.ts';
import { VarintReader } from './varint.ts';

/**
 * Walks the records of a batch that `sealBytes` made, one after another, without allocating for each: the fields are
 * those of the record at hand.
 *
 *     for (const cursor = new RecordCursor(bytes); cursor.next(); ) sink.append(…, recordCopier, cursor, …);
 */
export class RecordCursor {
  /** The batch's records, uncompressed; what the offsets point into. */
  readonly source: Buffer;
  readonly records: number;
  /** Position of the record at hand; −1 before the first `next`. */
  index = -1;
  timestampMs = 0;
  keyAt = 0;
  /** 0: the record has no key. `emptyKey`: one without bytes. */
  keyLength = 0;
  valueAt = 0;
  /** The record's value is null. */
  isNull = false;
  valueEnd = 0;
  /** The header array, its count included, begins here. */
  headersAt = 0;
  end = 0;
  readonly #baseTimestampMs: number;
  readonly #reader: VarintReader;

  /** @param bytes a whole record batch, header included. */
  constructor(bytes: Buffer) {
    this.source = recordsOf(bytes);
    this.records = bytes.readInt32BE(57);
    this.#baseTimestampMs = baseTimestampOf(bytes);
    this.#reader = new VarintReader(this.source);
  }

  /**
   * Moves to the next record. Returns false behind the last one.
   *
   * @throws {RangeError} when the bytes end inside of a record.
   */
  next(): boolean {
    if (this.index + 1 >= this.records) return false;
    const reader = this.#reader;
    reader.offset = this.end;
    const length = reader.read();
    const end = reader.offset + length;
    // Attributes: no bit of them is in use.
    reader.offset += 1;
    this.timestampMs = this.#baseTimestampMs + reader.read();
    // The offset delta is the record's position.
    reader.read();
    const keyLength = reader.read();
    this.keyLength = keyLength === 0 ? emptyKey : Math.max(0, keyLength);
    this.keyAt = reader.offset;
    reader.offset += Math.max(0, keyLength);
    const valueLength = reader.read();
    this.isNull = valueLength < 0;
    this.valueAt = reader.offset;
    this.valueEnd = reader.offset + Math.max(0, valueLength);
    this.headersAt = this.valueEnd;
    if (length < 0 || end > this.source.length || this.valueEnd > end) throw new RangeError('a record ends too early');
    this.end = end;
    this.index += 1;
    return true;
  }
}

/** Writes the record that a cursor is at as it is. */
export const recordCopier: RecordEncoder<RecordCursor> = {
  writeValue: ({ source, valueAt, valueEnd, isNull }, target, offset) =>
    isNull ? nullValue : copy(source, valueAt, valueEnd, target, offset),
  writeHeaders: ({ source, headersAt, end }, target, offset) => copy(source, headersAt, end, target, offset),
};

function copy(source: Buffer, from: number, to: number, target: Uint8Array, offset: number): number {
  const end = offset + to - from;
  if (end > target.length) return -1;
  source.copy(target, offset, from, to);
  return end;
}
