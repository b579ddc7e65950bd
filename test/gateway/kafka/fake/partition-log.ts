import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';

export interface StoredRecord {
  /** Counts up over all logs. */
  readonly order: number;
  readonly key: string | null;
  readonly value: string;
  readonly timestampMs: number;
}

export interface AppendResult {
  readonly errorCode: number;
  readonly offenders?: readonly number[];
}

interface BatchRange {
  readonly first: number;
  readonly last: number;
}

interface ProducerState {
  epoch: number;
  /** The last five batches, as `ProducerStateEntry` keeps them. */
  readonly batches: BatchRange[];
}

let stored = 0;

/** Error codes of the protocol. */
export const code = {
  none: 0,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoadInProgress: 14,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  unknownProducerId: 59,
  invalidRecord: 87,
  unknownTopicId: 100,
} as const;

/** What a broker keeps of a partition, with Kafka's own rules for idempotent producers (`ProducerAppendInfo`). */
export class PartitionLog {
  readonly records: StoredRecord[] = [];
  /** Bytes of every batch that arrived, in the order of arrival, whether stored or not. */
  readonly arrivals: Buffer[] = [];
  leader: number;
  /** Larger batches are refused, as by `max.message.bytes`. */
  maxBatchBytes = Number.POSITIVE_INFINITY;
  /** Whether a record is refused as invalid, and whether the answer names it. */
  refuses: (record: StoredRecord) => boolean = () => false;
  namesOffenders = true;
  readonly #producers = new Map<bigint, ProducerState>();

  constructor(leader: number) {
    this.leader = leader;
  }

  get values(): string[] {
    return this.records.map(({ value }) => value);
  }

  /** Forgets its producers, as after the loss of the log's end. */
  forgetProducers(): void {
    this.#producers.clear();
  }

  /** Plays another producer with the same id and a higher epoch. */
  fence(): void {
    for (const state of this.#producers.values()) state.epoch += 100;
  }

  append(bytes: Buffer): AppendResult {
    this.arrivals.push(Buffer.from(bytes));
    if (bytes.readUInt32BE(17) !== crc32c(bytes.subarray(21)) >>> 0) return { errorCode: code.corruptMessage };
    if (bytes.length > this.maxBatchBytes) return { errorCode: code.messageTooLarge };
    const batch = readRecordsBatch(Reader.from(bytes));
    const records = batch.records.map((record) => ({
      order: stored++,
      key: record.key === null ? null : record.key.toString(),
      value: String(record.value),
      timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
    }));
    const offenders = records.flatMap((record, index) => (this.refuses(record) ? [index] : []));
    if (offenders.length > 0) {
      return { errorCode: code.invalidRecord, offenders: this.namesOffenders ? offenders : [] };
    }
    const last = (batch.firstSequence + records.length - 1) % 2 ** 31;
    const range = { first: batch.firstSequence, last };
    const verdict = this.#admit(batch.producerId, batch.producerEpoch, range);
    if (verdict === 'new') this.records.push(...records);
    return { errorCode: typeof verdict === 'number' ? verdict : code.none };
  }

  #admit(producerId: bigint, epoch: number, range: BatchRange): 'new' | 'stored_before' | number {
    const state = this.#producers.get(producerId);
    if (state === undefined) {
      this.#producers.set(producerId, { epoch, batches: [range] });
      return 'new';
    }
    if (epoch < state.epoch) return code.invalidProducerEpoch;
    if (epoch === state.epoch) {
      if (state.batches.some(({ first, last }) => first === range.first && last === range.last)) return 'stored_before';
      const previous = state.batches.at(-1);
      if (previous !== undefined && range.first !== (previous.last + 1) % 2 ** 31) return code.outOfOrderSequence;
    } else {
      if (range.first !== 0) return code.outOfOrderSequence;
      state.epoch = epoch;
      state.batches.length = 0;
    }
    state.batches.push(range);
    if (state.batches.length > 5) state.batches.shift();
    return 'new';
  }
}
