import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import { batchOf, type ReadFrame } from './frame-format.ts';

/** A batch of the spool that is in memory: not durable yet, or on its way to Kafka, or both. */
export class Frame {
  readonly number: number;
  readonly topic: string;
  readonly records: number;
  /** Uncompressed bytes of its records. */
  readonly rawBytes: number;
  readonly spooledAtMs: number;
  /** A record batch of Kafka's message format v2. */
  readonly batch: Buffer;
  /** Laid out to be written; undefined when it was read. */
  readonly bytes: Buffer | undefined;
  /** Who waits for it to be durable. Emptied when they have been told. */
  waiting: readonly Settleable[];
  /** Records that have not been settled by Kafka. */
  unsettled: number;
  deadLettered = 0;
  unlettered = 0;
  respooled = 0;

  private constructor(
    header: Pick<ReadFrame, 'number' | 'topic' | 'records' | 'rawBytes' | 'spooledAtMs' | 'batch'>,
    bytes: Buffer | undefined,
    waiting: readonly Settleable[],
  ) {
    this.number = header.number;
    this.topic = header.topic;
    this.records = header.records;
    this.rawBytes = header.rawBytes;
    this.spooledAtMs = header.spooledAtMs;
    this.batch = header.batch;
    this.bytes = bytes;
    this.waiting = waiting;
    this.unsettled = header.records;
  }

  /** @param bytes as `layOutFrame` made them. */
  static toWrite(
    header: Pick<ReadFrame, 'number' | 'topic' | 'records' | 'rawBytes' | 'spooledAtMs'>,
    bytes: Buffer,
    waiting: readonly Settleable[],
  ): Frame {
    return new Frame({ ...header, batch: batchOf(bytes) }, bytes, waiting);
  }

  static fromDisk(read: ReadFrame): Frame {
    return new Frame(read, undefined, []);
  }
}

/** Who wants to know what became of the records of a frame on their way to Kafka. */
export interface FrameOwner {
  recordSettled(frame: Frame, index: number, outcome: Outcome): void;
}

/** One record of a frame on its way to Kafka. */
export class SpooledRecord implements Settleable {
  readonly #frame: Frame;
  readonly #index: number;
  readonly #owner: FrameOwner;

  /** @param index of the record in its batch. */
  constructor(frame: Frame, index: number, owner: FrameOwner) {
    this.#frame = frame;
    this.#index = index;
    this.#owner = owner;
  }

  settleRecord(outcome: Outcome): void {
    this.#owner.recordSettled(this.#frame, this.#index, outcome);
  }
}
