import type { ProducerIdentity, SealedBatch } from '../record-batch/sealed-batch.ts';

const lastEpoch = 0x7fff;

/** The sequence number so many records further on (or back): after 2^31 − 1 comes 0, as in the broker. */
export function advanceSequence(sequence: number, records: number): number {
  return (sequence + records) & 0x7fffffff;
}

/** Who a lane's batches are from, and which sequence number comes next. See rules 2 to 4 of `Lane`. */
export class Sequence {
  #identity: ProducerIdentity | undefined;
  #next = 0;

  constructor(identity: ProducerIdentity | undefined) {
    this.#identity = identity;
  }

  /** A new epoch is due, but the producer id has no more. */
  get needsIdentity(): boolean {
    return this.#identity === undefined;
  }

  /** Gives a batch the next numbers. Only with an identity. */
  stamp(batch: SealedBatch): void {
    batch.stamp(this.#identity as ProducerIdentity, this.#next);
    this.#next = advanceSequence(this.#next, batch.records);
  }

  /** The last batch is to be stamped again, with the same numbers for the same records. */
  takeBack(records: number): void {
    this.#next = advanceSequence(this.#next, -records);
  }

  /** Counts from zero in the next epoch of the same producer id, or in whatever the next id brings. */
  startEpoch(sameProducerId: boolean): void {
    const identity = this.#identity;
    this.#identity =
      sameProducerId && identity !== undefined && identity.epoch < lastEpoch
        ? { producerId: identity.producerId, epoch: identity.epoch + 1 }
        : undefined;
    this.#next = 0;
  }

  useIdentity(identity: ProducerIdentity): void {
    this.#identity = identity;
  }
}
