import type { KeyProvider } from '../core/data-keys.ts';
import { writeLength } from '../core/headers/header-writer.ts';
import type { Settleable } from '../core/publish.ts';
import { nullValue, type RecordEncoder, type RecordSink } from '../core/record-sink.ts';
import { VarintReader } from '../record-batch/varint.ts';
import { RecordSealer, sealedHeaders, tagBytes } from './record-sealer.ts';

export interface SealingSinkOptions {
  readonly target: RecordSink;
  readonly keys: KeyProvider;
  /** Kafka topics whose records are sealed; those of all others pass as they are. */
  readonly topics: ReadonlySet<string>;
  /** Largest record. */
  readonly maxRecordBytes: number;
  /** Another limit than that of `RecordSealer`, for tests. */
  readonly maxRecordsPerKey?: number;
}

/**
 * Seals the values of records on their way to a sink. A record is sealed once, when it is appended: whatever becomes of it
 * behind that (spool, replay, another batch, another try) copies its bytes.
 */
export class SealingSink implements RecordSink {
  readonly #target: RecordSink;
  readonly #topics: ReadonlySet<string>;
  readonly #encoder: SealingEncoder<unknown>;

  constructor(options: SealingSinkOptions) {
    this.#target = options.target;
    this.#topics = options.topics;
    this.#encoder = new SealingEncoder(options);
  }

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    if (!this.#topics.has(topic)) return this.#target.append(topic, key, timestampMs, encoder, event, settleable);
    const sealing = this.#encoder.of(topic, key, encoder as RecordEncoder<unknown>);
    try {
      return this.#target.append(topic, key, timestampMs, sealing, event, settleable);
    } finally {
      this.#encoder.release();
    }
  }
}

const nothing: RecordEncoder<unknown> = { writeValue: () => -1, writeHeaders: () => -1 };

/**
 * Writes what another encoder writes, its value sealed, with four more headers. One for all records, as no
 * other is encoded between the value of one and its headers. These are encoded before the value is sealed, which is bound
 * to them, and kept until they are asked for.
 */
class SealingEncoder<Event> implements RecordEncoder<Event> {
  readonly #keys: KeyProvider;
  readonly #maxRecordsPerKey: number | undefined;
  readonly #headers: Uint8Array;
  #headersEnd = 0;
  #sealer: RecordSealer | undefined;
  #topic = '';
  #key = '';
  #encoder: RecordEncoder<Event> = nothing;
  #isSealed = false;

  constructor({ keys, maxRecordBytes, maxRecordsPerKey }: SealingSinkOptions) {
    this.#keys = keys;
    this.#maxRecordsPerKey = maxRecordsPerKey;
    this.#headers = new Uint8Array(maxRecordBytes);
  }

  of(topic: string, key: string, encoder: RecordEncoder<Event>): this {
    this.#topic = topic;
    this.#key = key;
    this.#encoder = encoder;
    return this;
  }

  /** Lets go of what it was given. */
  release(): void {
    this.#encoder = nothing;
  }

  writeValue(event: Event, target: Uint8Array, offset: number): number {
    const end = this.#encoder.writeValue(event, target, offset);
    this.#isSealed = end !== nullValue;
    if (end === nullValue) return end;
    // Not sealed for nothing where the tag would not fit; the sink then has a larger buffer, or no room at all.
    if (end < 0 || end + tagBytes > target.length) return -1;
    this.#headersEnd = this.#encoder.writeHeaders(event, this.#headers, 0);
    if (this.#headersEnd < 0) return -1;
    const headers = this.#headers.subarray(0, this.#headersEnd);
    return this.#currentSealer().seal(this.#topic, this.#key, headers, target, offset, end);
  }

  writeHeaders(event: Event, target: Uint8Array, offset: number): number {
    if (!this.#isSealed) return this.#encoder.writeHeaders(event, target, offset);
    const reader = new VarintReader(this.#headers);
    let at = writeLength(reader.read() + sealedHeaders, target, offset);
    const end = at + this.#headersEnd - reader.offset;
    if (end > target.length) return -1;
    for (let i = reader.offset; i < this.#headersEnd; i++) target[at++] = this.#headers[i] as number;
    at = (this.#sealer as RecordSealer).writeHeaders(target, end);
    return at > target.length ? -1 : at;
  }

  /** Another one when the key was rotated, and when there are no nonces left. */
  #currentSealer(): RecordSealer {
    const key = this.#keys.current();
    const sealer = this.#sealer;
    if (sealer !== undefined && sealer.keyId === key.id && !sealer.isSpent) return sealer;
    this.#sealer = new RecordSealer(key, this.#maxRecordsPerKey);
    return this.#sealer;
  }
}
