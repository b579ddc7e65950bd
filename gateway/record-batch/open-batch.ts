import type { Settleable } from '../core/publish.ts';
import { nullValue, type RecordEncoder } from '../core/record-sink.ts';
import type { BufferPool } from './buffer-pool.ts';
import { headerBytes, SealedBatch, sealBytes } from './sealed-batch.ts';
import { maxVarlongBytes, writePaddedNull, writePaddedVarint, writeVarint, writeVarlong } from './varint.ts';

/** Attributes, timestamp delta, offset delta and key length: the parts of a record before the key, at their largest. */
const prefixBytes = 1 + maxVarlongBytes + 5 + 5;

/**
 * The batch that a lane is filling: records are encoded once, straight into its bytes. Lengths that are known only
 * afterwards have a fixed width, so that nothing is moved. A buffer is held only while there are records.
 */
export class OpenBatch {
  readonly #pool: BufferPool;
  /** Bytes that the length of a record or a value takes. */
  readonly #lengthWidth: number;
  #buffer: Buffer | undefined;
  #sizeClass = 0;
  #lastSizeClass = 0;
  #end = headerBytes;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  #settleables: Settleable[] = [];
  records = 0;
  /** When the first record was appended, on the clock of `performance.now()`; set by the lane. */
  openedAtMs = 0;
  /** Its records were handed over (see `SealedBatch.handedOver`) before they came here from another batch. */
  handedOver = false;

  /** @param pool its largest size is the largest batch. */
  constructor(pool: BufferPool) {
    this.#pool = pool;
    this.#lengthWidth = (pool.sizes.at(-1) as number) < 2 ** 20 ? 3 : 4;
  }

  /** Encoded bytes of its records. */
  get rawBytes(): number {
    return this.#end - headerBytes;
  }

  /**
   * Encodes one record behind the others.
   *
   * @param keyLength 0 means: no key; `emptyKey` one without bytes.
   * @returns the bytes that it takes, or −1 when it does not fit: nothing has changed then. The same holds when the
   * encoder throws.
   */
  append<Event>(
    key: Uint8Array,
    keyLength: number,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): number {
    let end = -1;
    try {
      do {
        end = this.#encode(key, keyLength, timestampMs, encoder, event);
      } while (end < 0 && this.#grow());
    } finally {
      if (end < 0 && this.records === 0) this.#release();
    }
    if (end < 0) return -1;
    const bytes = end - this.#end;
    if (this.records === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    } else if (timestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = timestampMs;
    }
    this.#end = end;
    this.records += 1;
    this.#settleables.push(settleable);
    return bytes;
  }

  /** Writes one record from `#end` on. Returns its end, or −1 when it does not fit. */
  #encode<Event>(
    key: Uint8Array,
    keyLength: number,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
  ): number {
    this.#buffer ??= this.#takeBuffer(this.#lastSizeClass);
    const target = this.#buffer;
    const limit = target.length;
    const width = this.#lengthWidth;
    const bodyAt = this.#end + width;
    if (bodyAt + prefixBytes + keyLength + width > limit) return -1;
    target[bodyAt] = 0;
    let at = writeVarlong(this.records === 0 ? 0 : timestampMs - this.#baseTimestampMs, target, bodyAt + 1);
    at = writeVarint(this.records, target, at);
    at = writeVarint(keyLength === 0 ? -1 : Math.max(0, keyLength), target, at);
    for (let i = 0; i < keyLength; i++) target[at + i] = key[i] as number;
    const valueAt = at + Math.max(0, keyLength) + width;
    const written = encoder.writeValue(event, target, valueAt);
    const valueEnd = written === nullValue ? valueAt : written;
    if (!(valueEnd >= valueAt && valueEnd < limit)) return -1;
    const end = encoder.writeHeaders(event, target, valueEnd);
    if (!(end > valueEnd && end <= limit)) return -1;
    if (written === nullValue) writePaddedNull(width, target, valueAt - width);
    else writePaddedVarint(valueEnd - valueAt, width, target, valueAt - width);
    writePaddedVarint(end - bodyAt, width, target, this.#end);
    return end;
  }

  /** Seals what there is and starts anew. There must be a record. */
  seal(): SealedBatch {
    const { records, rawBytes, openedAtMs } = this;
    const bytes = sealBytes(this.#buffer as Buffer, this.#end, {
      records,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
    });
    const sealed = new SealedBatch(bytes, records, rawBytes, this.#settleables, openedAtMs);
    sealed.handedOver = this.handedOver;
    this.#lastSizeClass = this.#classFor(this.#end);
    this.#clear();
    return sealed;
  }

  /** Drops its records; the caller settles them. */
  abandon(): Settleable[] {
    const abandoned = this.#settleables;
    this.#clear();
    return abandoned;
  }

  #clear(): void {
    this.#settleables = [];
    this.records = 0;
    this.handedOver = false;
    this.#end = headerBytes;
    this.#release();
  }

  #takeBuffer(sizeClass: number): Buffer {
    this.#sizeClass = sizeClass;
    return this.#pool.take(sizeClass);
  }

  #release(): void {
    if (this.#buffer === undefined) return;
    this.#pool.give(this.#buffer, this.#sizeClass);
    this.#buffer = undefined;
  }

  /** Moves to the next size. Returns false when there is none. */
  #grow(): boolean {
    const smaller = this.#buffer;
    if (smaller === undefined || this.#sizeClass === this.#pool.sizes.length - 1) return false;
    const smallerClass = this.#sizeClass;
    const larger = this.#takeBuffer(smallerClass + 1);
    smaller.copy(larger, headerBytes, headerBytes, this.#end);
    this.#pool.give(smaller, smallerClass);
    this.#buffer = larger;
    return true;
  }

  /** The smallest size that would have held the last batch: where the next one starts, to copy less. */
  #classFor(bytes: number): number {
    return this.#pool.sizes.findIndex((size) => size >= bytes);
  }
}
