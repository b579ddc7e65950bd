import { utf8Length, writeUtf8 } from '../core/headers/utf8.ts';
import { VarintReader } from '../record-batch/varint.ts';

const lengthBytes = 4;
/** In the place of a length: there is nothing, which is not the same as an empty text. */
const absent = 0xffff_ffff;
/** Topics whose beginning is remembered; a gateway writes to a handful. */
const maxTopics = 1000;

const eventPrefix = Buffer.from('ce_');
const letterPrefix = Buffer.from('dlq_');
const boundName = Buffer.from('content-type');
/** Says how often a letter was replayed, and is put on afterwards. */
const unboundName = Buffer.from('ce_replayattempt');

/**
 * What a sealed value is bound to, so that it opens nowhere else. A sequence of fields, each a length (uint32, big-endian)
 * and so many bytes; a length of 2^32 − 1 stands for null, and no bytes follow:
 *
 *     algorithm · key id · Kafka topic · record key · then of every bound header, in their order: name · value
 *
 * Bound are the headers whose names begin with `ce_` or `dlq_`, but for `ce_replayattempt`, and `content-type`: what a
 * record says it is, whose, of when, and of what form. Not bound is what is replaced on the way, like `traceparent`.
 */
export class AssociatedData {
  readonly #prefix: Buffer;
  /** Algorithm, key id and topic, by topic. */
  readonly #beginnings = new Map<string, Buffer>();
  #bytes = Buffer.allocUnsafeSlow(2048);

  constructor(algorithm: string, keyId: string) {
    this.#prefix = Buffer.concat([field(algorithm), field(keyId)]);
  }

  /**
   * @param key of the record; empty: none.
   * @param headers a header array of Kafka's record format v2.
   * @returns a view, valid until the next call.
   */
  of(topic: string, key: string, headers: Uint8Array): Uint8Array {
    const beginning = this.#beginningOf(topic);
    const keyLength = utf8Length(key);
    // Lengths take at most four bytes instead of one each, and every header has two.
    const most = beginning.length + lengthBytes + keyLength + headers.length * lengthBytes;
    if (most > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(most * 2);
    const bytes = this.#bytes;
    bytes.set(beginning);
    let at = bytes.writeUInt32BE(key === '' ? absent : keyLength, beginning.length);
    at = writeUtf8(key, bytes, at);
    return bytes.subarray(0, this.#writeHeaders(headers, at));
  }

  #writeHeaders(headers: Uint8Array, offset: number): number {
    const bytes = this.#bytes;
    const reader = new VarintReader(headers);
    let at = offset;
    for (let rest = reader.read(); rest > 0; rest--) {
      const nameLength = reader.read();
      const nameAt = reader.offset;
      reader.offset = nameAt + nameLength;
      const valueLength = reader.read();
      const valueAt = reader.offset;
      reader.offset = valueAt + Math.max(0, valueLength);
      if (!isBound(headers, nameAt, nameLength)) continue;
      at = bytes.writeUInt32BE(nameLength, at);
      for (let i = 0; i < nameLength; i++) bytes[at++] = headers[nameAt + i] as number;
      at = bytes.writeUInt32BE(valueLength < 0 ? absent : valueLength, at);
      for (let i = 0; i < valueLength; i++) bytes[at++] = headers[valueAt + i] as number;
    }
    return at;
  }

  #beginningOf(topic: string): Buffer {
    const known = this.#beginnings.get(topic);
    if (known !== undefined) return known;
    if (this.#beginnings.size >= maxTopics) this.#beginnings.clear();
    const beginning = Buffer.concat([this.#prefix, field(topic)]);
    this.#beginnings.set(topic, beginning);
    return beginning;
  }
}

function isBound(headers: Uint8Array, at: number, length: number): boolean {
  if (matches(headers, at, length, eventPrefix, false)) return !matches(headers, at, length, unboundName, true);
  return matches(headers, at, length, letterPrefix, false) || matches(headers, at, length, boundName, true);
}

function matches(bytes: Uint8Array, at: number, length: number, text: Uint8Array, whole: boolean): boolean {
  if (whole ? length !== text.length : length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
