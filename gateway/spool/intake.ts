import type { Settleable } from '../core/publish.ts';
import type { RecordEncoder } from '../core/record-sink.ts';
import type { BufferPool } from '../record-batch/buffer-pool.ts';
import { KeyBytes } from '../record-batch/key-bytes.ts';
import { OpenBatch } from '../record-batch/open-batch.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';

type Sealed = (topic: string, batch: SealedBatch) => void;

/** The open batches of the spool, one per topic. Partitions are Kafka's business, and decided at the replay. */
export class Intake {
  readonly #batches = new Map<string, OpenBatch>();
  readonly #pool: BufferPool;
  readonly #maxRecords: number;
  #sealed: Sealed;
  #lingerMs: number;
  readonly #key = new KeyBytes();
  /** When the oldest record in an open batch came, on the clock of `performance.now()`. */
  #oldestMs = 0;
  records = 0;

  /**
   * @param lingerMs how long a record waits for others.
   * @param sealed takes a batch that will not grow any more; within a topic in order.
   */
  constructor(pool: BufferPool, maxRecords: number, lingerMs: number, sealed: Sealed) {
    this.#pool = pool;
    this.#maxRecords = maxRecords;
    this.#lingerMs = lingerMs;
    this.#sealed = sealed;
  }

  /** Encodes one record. Returns its bytes, or −1 when it alone is larger than a batch. */
  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): number {
    const keyLength = this.#key.encode(key);
    const batch = this.#batches.get(topic) ?? this.#open(topic);
    if (batch.records >= this.#maxRecords) this.#seal(topic, batch);
    let bytes = batch.append(this.#key.bytes, keyLength, timestampMs, encoder, event, settleable);
    if (bytes < 0 && batch.records > 0) {
      this.#seal(topic, batch);
      bytes = batch.append(this.#key.bytes, keyLength, timestampMs, encoder, event, settleable);
    }
    if (bytes < 0) return -1;
    if (this.records === 0) this.#oldestMs = performance.now();
    this.records += 1;
    return bytes;
  }

  stopLingering(): void {
    this.#lingerMs = 0;
  }

  /**
   * Seals what has lingered for long enough, or what can go along with others now.
   *
   * @returns milliseconds until something is to be sealed; infinite when there is nothing.
   */
  sealDue(canGoAlong: boolean): number {
    const { dueInMs } = this;
    if (dueInMs > 0 && !canGoAlong) return dueInMs;
    this.#sealAll();
    return Number.POSITIVE_INFINITY;
  }

  /** Until the oldest record has lingered for long enough; infinite when there is none. */
  get dueInMs(): number {
    return this.records === 0 ? Number.POSITIVE_INFINITY : this.#oldestMs + this.#lingerMs - performance.now();
  }

  /** Gives the open batches to somebody else. */
  takeAll(take: Sealed): void {
    const sealed = this.#sealed;
    this.#sealed = take;
    this.#sealAll();
    this.#sealed = sealed;
  }

  /** Records of open batches, counted one batch after the other. */
  count(): number {
    return [...this.#batches.values()].reduce((sum, { records }) => sum + records, 0);
  }

  #sealAll(): void {
    for (const [topic, batch] of this.#batches) if (batch.records > 0) this.#seal(topic, batch);
  }

  #open(topic: string): OpenBatch {
    const batch = new OpenBatch(this.#pool);
    this.#batches.set(topic, batch);
    return batch;
  }

  #seal(topic: string, batch: OpenBatch): void {
    this.records -= batch.records;
    this.#sealed(topic, batch.seal());
  }
}
