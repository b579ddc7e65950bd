import { withheldDetail } from '../core/dead-letter-encoder.ts';
import { fitted, writeLength, writeRawHeader } from '../core/headers/header-writer.ts';
import { type HeaderName, ownHeaderPrefix } from '../core/headers/record-headers.ts';
import type { Settleable } from '../core/publish.ts';
import type { RecordEncoder, RecordSink } from '../core/record-sink.ts';
import { hasHeader, headersOf } from '../record-batch/header-array.ts';
import { SealingSink, type SealingSinkOptions } from './sealing-sink.ts';

export interface BacklogSealingSinkOptions extends SealingSinkOptions {
  /** The topic of letters: what only letters have means nothing in other topics. */
  readonly deadLetterTopic: string;
  /** A record that lay plain in the spool is encrypted. */
  readonly sealedLate: (topic: string) => void;
}

const sealedName = Buffer.from('enc_algorithm' satisfies HeaderName);
/** The letter of a sealed record has its ciphertext, and this among the record's own headers. */
const ownSealedName = Buffer.from(`${ownHeaderPrefix}enc_algorithm`);
const messageName = 'dlq_message' satisfies HeaderName;
const messageNameBytes = Buffer.from(messageName);
/** Only of letters that are made of records of the spool. What they say is what Kafka said, and quotes nothing. */
const refusedName = Buffer.from('dlq_kafka_topic' satisfies HeaderName);

/**
 * Seals what comes out of the spool plain, on its way to a sink: records that were spooled before their topic was encrypted,
 * and letters of records that Kafka refuses. So nothing plain gets to a topic that is encrypted. What is sealed already
 * passes as it is.
 */
export class BacklogSealingSink implements RecordSink {
  /** For letters of what Kafka refuses: what they are made of was counted on its way to Kafka. */
  readonly letters: RecordSink = {
    append: (topic, key, timestampMs, encoder, event, settleable) =>
      this.#append(topic, key, timestampMs, encoder, event, settleable) !== 'refused',
  };
  readonly #options: BacklogSealingSinkOptions;
  readonly #sealing: SealingSink;
  readonly #headers: Buffer;

  constructor(options: BacklogSealingSinkOptions) {
    this.#options = options;
    this.#sealing = new SealingSink(options);
    this.#headers = Buffer.alloc(options.maxRecordBytes);
  }

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const result = this.#append(topic, key, timestampMs, encoder, event, settleable);
    if (result === 'sealed') this.#options.sealedLate(topic);
    return result !== 'refused';
  }

  #append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): 'sealed' | 'passed' | 'refused' {
    const { target, topics, deadLetterTopic } = this.#options;
    const isLetter = topic === deadLetterTopic;
    const headers = topics.has(topic) ? this.#headersOf(encoder, event) : undefined;
    if (headers === undefined || hasHeader(headers, sealedName) || (isLetter && hasHeader(headers, ownSealedName))) {
      return target.append(topic, key, timestampMs, encoder, event, settleable) ? 'passed' : 'refused';
    }
    const isOfRefused = isLetter && hasHeader(headers, refusedName);
    const written = isOfRefused ? encoder : new WithholdingEncoder(encoder);
    return this.#sealing.append(topic, key, timestampMs, written, event, settleable) ? 'sealed' : 'refused';
  }

  /** Undefined when they alone are larger than a record may be: then the target refuses it. */
  #headersOf<Event>(encoder: RecordEncoder<Event>, event: Event): Buffer | undefined {
    const end = encoder.writeHeaders(event, this.#headers, 0);
    return end < 0 ? undefined : this.#headers.subarray(0, end);
  }
}

/** Writes what another encoder writes, but for the message of a letter, which quotes the payload: headers stay plain. */
class WithholdingEncoder<Event> implements RecordEncoder<Event> {
  readonly #encoder: RecordEncoder<Event>;

  constructor(encoder: RecordEncoder<Event>) {
    this.#encoder = encoder;
  }

  writeValue(event: Event, target: Uint8Array, offset: number): number {
    return this.#encoder.writeValue(event, target, offset);
  }

  writeHeaders(event: Event, target: Uint8Array, offset: number): number {
    const end = this.#encoder.writeHeaders(event, target, offset);
    const written = end < 0 ? undefined : Buffer.from(target.subarray(offset, end));
    if (written === undefined || !hasHeader(written, messageNameBytes)) return end;
    const headers = headersOf(written);
    let at = writeLength(headers.length, target, offset);
    for (const [name, value] of headers) {
      at = writeRawHeader(name, name === messageName ? Buffer.from(withheldDetail) : value, target, at);
    }
    return fitted(at, target);
  }
}
