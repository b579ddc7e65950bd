import type { Outcome } from '../gateway/core/outcome.ts';
import type { Settleable } from '../gateway/core/publish.ts';
import { nullValue, type RecordEncoder } from '../gateway/core/record-sink.ts';
import { Producer } from '../gateway/kafka/producer.ts';
import { emptyKey } from '../gateway/record-batch/key-bytes.ts';
import type { RecordContent } from './fingerprint.ts';
import { Pacer } from './pacer.ts';
import { type Destination, producerSettings, QuietObserver } from './producer-settings.ts';

export interface WriterOptions extends Destination {
  readonly topics: readonly string[];
  /** Records a second; `Infinity`: as fast as it goes. */
  readonly perSecond: number;
  /** Largest record, and batch before compression. */
  readonly maxBatchBytes: number;
  /** Lines for people: what goes wrong with Kafka and is tried again. */
  readonly say: (line: string) => void;
}

/** Why Kafka refused a record for good. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

const noKey = Buffer.alloc(0);

/**
 * Writes records as they are: key, value, timestamp and headers to the byte, null told from empty. Idempotent, `acks=all`,
 * and in the order of `write` for each key.
 */
export class RecordWriter {
  readonly #producer: Producer;
  readonly #pacer: Pacer;
  #waiting = 0;
  #onSettled: () => void = () => undefined;

  /** @throws {KafkaError} when Kafka cannot be reached, or a topic is missing. */
  static async open(options: WriterOptions): Promise<RecordWriter> {
    const { topics, maxBatchBytes, say } = options;
    const settings = producerSettings(options, maxBatchBytes);
    const producer = await Producer.start({ ...settings, topics, observer: new QuietObserver(say) });
    return new RecordWriter(producer, options.perSecond);
  }

  private constructor(producer: Producer, perSecond: number) {
    this.#producer = producer;
    this.#pacer = new Pacer(perSecond);
  }

  /**
   * Resolves when the record is on its way: when its turn has come, and there is room.
   *
   * @param settled told once what became of it; undefined: Kafka has it.
   */
  async write(topic: string, record: RecordContent, settled: (refusal: Refusal | undefined) => void): Promise<void> {
    while (!this.#pacer.take()) await this.#pacer.due();
    while (this.#producer.pressure > 0) await this.#nextSettled();
    this.append(topic, record, settled);
  }

  /** `write` without waiting. */
  append(topic: string, record: RecordContent, settled: (refusal: Refusal | undefined) => void): void {
    const { key, timestampMs } = record;
    const keyLength = key === null ? 0 : key.length === 0 ? emptyKey : key.length;
    const settleable: Settleable = {
      settleRecord: (outcome) => {
        this.#waiting -= 1;
        settled(refusalOf(outcome));
        this.#onSettled();
      },
    };
    this.#waiting += 1;
    const isTaken = this.#producer.appendKeyed(
      topic,
      key ?? noKey,
      keyLength,
      timestampMs,
      exactEncoder,
      record,
      settleable,
    );
    if (isTaken) return;
    this.#waiting -= 1;
    settled({ reason: 'too_large', detail: 'the record is larger than a batch may be' });
  }

  /** Resolves when everything that was written has its outcome. Kafka is waited for as long as it takes. */
  async settle(): Promise<void> {
    while (this.#waiting > 0) await this.#nextSettled();
  }

  #nextSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled = resolve;
    });
  }

  /** Gives up what is not settled. */
  async close(): Promise<void> {
    await this.#producer.close();
  }
}

function refusalOf(outcome: Outcome): Refusal | undefined {
  if (outcome.kind === 'rejected') return outcome.rejection;
  if (outcome.kind === 'unanswered') return { reason: 'given_up', detail: 'the command ended before Kafka answered' };
  return undefined;
}

const exactEncoder: RecordEncoder<RecordContent> = {
  writeValue: ({ value }, target, offset) => (value === null ? nullValue : copy(value, target, offset)),
  writeHeaders: ({ headers }, target, offset) => copy(headers, target, offset),
};

function copy(bytes: Buffer, target: Uint8Array, offset: number): number {
  if (offset + bytes.length > target.length) return -1;
  target.set(bytes, offset);
  return offset + bytes.length;
}
