import type { AbortedTransaction } from './fetch.ts';
import { isAbort, type RecordBatch } from './record-batch.ts';

/**
 * Tells which batches of one partition belong to aborted transactions, as a consumer with `isolation.level` read_committed
 * does (KIP-98): the broker lists the transactions that were aborted within what it hands out, each ends with a marker.
 */
export class AbortedRecords {
  readonly #announced: AbortedTransaction[] = [];
  readonly #open = new Set<bigint>();

  /** Takes what a Fetch said. */
  announce(aborted: readonly AbortedTransaction[]): void {
    for (const transaction of aborted) {
      const isKnown = this.#announced.some(
        ({ producerId, firstOffset }) =>
          producerId === transaction.producerId && firstOffset === transaction.firstOffset,
      );
      if (!isKnown) this.#announced.push(transaction);
    }
  }

  /** Whether nobody is to see the batch. To be asked once for each, in their order. */
  hides(batch: RecordBatch): boolean {
    for (let i = this.#announced.length - 1; i >= 0; i--) {
      const { producerId, firstOffset } = this.#announced[i] as AbortedTransaction;
      if (firstOffset > batch.lastOffset) continue;
      this.#open.add(producerId);
      this.#announced.splice(i, 1);
    }
    if (batch.isControl) {
      if (isAbort(batch)) this.#open.delete(batch.producerId);
      return true;
    }
    return batch.isTransactional && this.#open.has(batch.producerId);
  }
}
