import type { Settleable } from '../core/publish.ts';
import type { HeldBatch, RecordEncoder } from '../core/record-sink.ts';
import type { BufferPool } from '../record-batch/buffer-pool.ts';
import { OpenBatch } from '../record-batch/open-batch.ts';
import type { ProducerIdentity, SealedBatch } from '../record-batch/sealed-batch.ts';
import { SealedQueue } from './sealed-queue.ts';
import { Sequence } from './sequence.ts';
import { type SplitBatch, splitBatch } from './split-batch.ts';

/**
 * One partition's way to Kafka: an open batch, sealed ones behind each other, the first of them possibly in flight.
 *
 * Order and idempotence rest on these rules:
 *
 * 1. Only the first batch is ever sent, and only one at a time; nothing passes it, however often it is sent again.
 * 2. A batch is stamped (producer id, epoch, sequence number) when it is sent for the first time. Every attempt after
 *    that sends the same bytes, so that the broker recognises what it has: also when the answer was lost, also when the
 *    bytes of a given-up attempt arrive late, also when another broker leads by then (the state is in the log).
 * 3. Within one producer id and epoch, a sequence number belongs to its record for ever. Else the broker would take a
 *    new record for an old one and drop it, and acknowledge it. So whenever a record is refused for good, and those
 *    behind it move up, the lane starts a new epoch, and counts from zero.
 * 4. Each lane has an epoch of its own. The broker keeps epochs per producer id and partition, so a lane in trouble
 *    changes nothing for the others, whatever they have in flight with the same producer id. And when the first batch
 *    of the new epoch is stored, anything late from the old one is fenced: it can be doubled, but not put out of order.
 *
 * What remains: a broker forgets, when it starts and every `producer.id.expiration.check.interval.ms` (10 minutes),
 * producers whose last record's timestamp (here the event time) is older than its `producer.id.expiration.ms`, a day by
 * default. A batch of older records whose answer was lost just before that is then stored twice. It is never lost;
 * consumers drop it by its event id (rule 6).
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  /** Of the topic that its batches are for; undefined when it has none. */
  topicId: string | undefined;
  /** Node id of the partition's leader; −1 while there is none. */
  leader = -1;
  /** The first batch is on its way; nothing may change until its attempt has ended. */
  inFlight = false;
  /** The first batch is not to be sent again before this, on the clock of `performance.now()`. */
  retryAtMs = 0;
  /** Attempts of the first batch that failed in a row. */
  failures = 0;
  /** Nothing is to be sent: the partition is about to be another one. */
  held = false;
  readonly open: OpenBatch;
  readonly queue = new SealedQueue();
  readonly #maxRecords: number;
  readonly #sequence: Sequence;
  /** The first batch has its sequence number. */
  #stamped = false;

  constructor(
    topic: string,
    partition: number,
    identity: ProducerIdentity | undefined,
    pool: BufferPool,
    maxRecords: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.#sequence = new Sequence(identity);
    this.open = new OpenBatch(pool);
    this.#maxRecords = maxRecords;
  }

  /** A new epoch is due, but the producer id has no more: the lane waits for another id. */
  get needsIdentity(): boolean {
    return this.#sequence.needsIdentity;
  }

  /** The first batch may be sent now. */
  get isReady(): boolean {
    // Asked of every lane for every request: what is most often the case comes first.
    if (this.inFlight || this.isEmpty || this.leader < 0) return false;
    return !(this.held || this.needsIdentity || this.queue.isBlocked);
  }

  get isEmpty(): boolean {
    return this.open.records === 0 && this.queue.isEmpty;
  }

  /** There is a batch that will not grow any more. */
  get isFull(): boolean {
    return !this.queue.isEmpty || this.open.records >= this.#maxRecords;
  }

  /** At most this many bytes would be added to a request by `send`. */
  get nextBytes(): number {
    return this.queue.first?.bytes.length ?? this.open.rawBytes;
  }

  /** When the first record was appended that is neither settled nor handed over; undefined when there is none. */
  get oldestMs(): number | undefined {
    for (const { handedOver, openedAtMs } of this.queue) if (!handedOver) return openedAtMs;
    return this.open.records > 0 ? this.open.openedAtMs : undefined;
  }

  /** What the batches hold, counted one by one. `unsettledBytes`: of what was not handed over. */
  count(): { records: number; unsettledBytes: number } {
    const { records, rawBytes, handedOver } = this.open;
    const sum = { records, unsettledBytes: handedOver ? 0 : rawBytes };
    for (const batch of this.queue) {
      sum.records += batch.settleables.length;
      if (!batch.handedOver) sum.unsettledBytes += batch.rawBytes;
    }
    return sum;
  }

  /**
   * Encodes one record. Returns its bytes, or −1 when it alone is larger than a batch. See `OpenBatch.append`.
   *
   * @param sealed told of a batch that was sealed to make room.
   */
  append<Event>(
    key: Uint8Array,
    keyLength: number,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
    sealed: (lane: Lane, batch: SealedBatch) => void,
  ): number {
    const { open } = this;
    if (open.records >= this.#maxRecords) sealed(this, this.#seal());
    let bytes = open.append(key, keyLength, timestampMs, encoder, event, settleable);
    if (bytes < 0 && open.records > 0) {
      sealed(this, this.#seal());
      bytes = open.append(key, keyLength, timestampMs, encoder, event, settleable);
    }
    if (open.records === 1) open.openedAtMs = performance.now();
    return bytes;
  }

  #seal(): SealedBatch {
    const batch = this.open.seal();
    this.queue.push(batch);
    return batch;
  }

  /**
   * Takes the first batch for an attempt: seals it if there is only an open one, stamps it if it was never sent.
   * Only for a lane that is ready.
   */
  send(sealed: (lane: Lane, batch: SealedBatch) => void): SealedBatch {
    let batch = this.queue.first;
    if (batch === undefined) {
      batch = this.#seal();
      sealed(this, batch);
    }
    if (!this.#stamped) {
      this.#sequence.stamp(batch);
      this.#stamped = true;
    }
    batch.attempts += 1;
    this.inFlight = true;
    return batch;
  }

  /** Kafka has the first batch. The caller settles it. */
  delivered(): SealedBatch {
    const batch = this.queue.shift();
    this.inFlight = false;
    this.#stamped = false;
    this.failures = 0;
    this.retryAtMs = 0;
    return batch;
  }

  /** The attempt came to nothing, or nobody knows what to; the same bytes go out again at `atMs`. */
  retry(atMs: number, mayBeStored: boolean): SealedBatch {
    const batch = this.queue.first as SealedBatch;
    if (mayBeStored) batch.mayBeStored = true;
    this.inFlight = false;
    this.failures += 1;
    this.retryAtMs = atMs;
    return batch;
  }

  /**
   * The broker's idea of our sequence differs from ours (or the producer id is fenced: `sameProducerId` false). The
   * first batch, which was not stored by this attempt, is stamped anew, and so is everything behind it, when its time
   * comes. An earlier attempt may have stored it all the same: then it is doubled, and counted, but never lost.
   */
  startEpoch(sameProducerId: boolean): void {
    this.#sequence.startEpoch(sameProducerId);
    this.#stamped = false;
  }

  /** Gives a lane that needs one a new producer id. */
  useIdentity(identity: ProducerIdentity): void {
    this.#sequence.useIdentity(identity);
  }

  /**
   * The first batch can never be stored as it is. Its parts take its place; the caller settles the refused records.
   * Without refused ones every record keeps its sequence number, with refused ones a new epoch begins (rule 3).
   *
   * @param named indices of the records that the broker named as offenders.
   */
  split(named: readonly number[]): SplitBatch {
    const batch = this.queue.first as SealedBatch;
    const split = splitBatch(batch, named);
    this.queue.replaceFirst(split.parts);
    this.inFlight = false;
    this.retryAtMs = 0;
    if (split.refused.length > 0) {
      this.startEpoch(true);
    } else {
      this.#sequence.takeBack(batch.records);
      this.#stamped = false;
    }
    return split;
  }

  /**
   * Shows each batch on one side of the barrier that was not handed over before, also one that is in flight, and lets it
   * report to the settleables that come back. Neither bytes nor sequence numbers change.
   */
  handOver(
    place: 'ahead' | 'behind',
    take: (batch: HeldBatch) => readonly Settleable[],
    handedOver: (batch: SealedBatch) => void,
  ): void {
    for (const batch of this.queue.at(place)) {
      if (batch.handedOver) continue;
      const { bytes, rawBytes, records, settleables } = batch;
      const taken = take({ topic: this.topic, bytes, rawBytes, settleables });
      if (taken.length !== records) throw new RangeError(`${taken.length} settleables for ${records} records`);
      batch.settleables = taken;
      batch.handedOver = true;
      handedOver(batch);
    }
  }

  /** Seals the open batch, if there are records in it. */
  seal(sealed: (lane: Lane, batch: SealedBatch) => void): void {
    if (this.open.records > 0) sealed(this, this.#seal());
  }

  /** Keeps what comes from now on behind what there is, until the barrier is lifted: `isReady` is false in between. */
  raiseBarrier(sealed: (lane: Lane, batch: SealedBatch) => void): void {
    this.seal(sealed);
    this.queue.raiseBarrier();
  }

  /**
   * Gives away all batches, those in front of the barrier and those behind it, and starts a new epoch (rule 3). Only
   * for a lane without a batch in flight.
   */
  takeAll(sealed: (lane: Lane, batch: SealedBatch) => void): { ahead: SealedBatch[]; behind: SealedBatch[] } {
    this.seal(sealed);
    this.failures = 0;
    this.retryAtMs = 0;
    this.startEpoch(true);
    return this.queue.takeAll();
  }

  /** Drops everything. The caller settles the records. */
  abandon(): readonly Settleable[] {
    this.queue.liftBarrier();
    const { behind } = this.queue.takeAll();
    return [...behind.flatMap(({ settleables }) => settleables), ...this.open.abandon()];
  }
}
