import type { Settleable } from '../core/publish.ts';
import { baseTimestampOf, headerBytes, recordsOf, SealedBatch, sealBytes } from '../record-batch/sealed-batch.ts';
import { VarintReader, writeVarint } from '../record-batch/varint.ts';

/** A refused batch taken apart: what is to be sent instead, in order, and what can never be sent. */
export interface SplitBatch {
  readonly parts: readonly SealedBatch[];
  readonly refused: readonly Settleable[];
  /** Whether the refused records, like all others of the batch, had been handed over. */
  readonly handedOver: boolean;
  /** What the refused records count towards the watermarks. */
  readonly refusedRawBytes: number;
}

/**
 * Takes a refused batch apart. A lone record is the offender. When the broker named offenders (indices into the batch),
 * these are singled out and the rest stays together; otherwise the batch is halved, and halved again if need be.
 */
export function splitBatch(batch: SealedBatch, named: readonly number[]): SplitBatch {
  const offenders = new Set(named.filter((index) => index >= 0 && index < batch.records));
  if (batch.records === 1) offenders.add(0);
  const records = new Records(batch);
  const indices = Array.from({ length: batch.records }, (_, index) => index);
  if (offenders.size === 0) {
    const middle = batch.records >> 1;
    const parts = [records.pick(indices.slice(0, middle)), records.pick(indices.slice(middle))];
    return { parts, refused: [], handedOver: batch.handedOver, refusedRawBytes: 0 };
  }
  const rest = indices.filter((index) => !offenders.has(index));
  const refused = [...offenders].sort((a, b) => a - b);
  return {
    parts: rest.length === 0 ? [] : [records.pick(rest)],
    refused: refused.map((index) => batch.settleables[index] as Settleable),
    handedOver: batch.handedOver,
    refusedRawBytes: batch.rawBytes - records.rawBytesOf(rest),
  };
}

/** The single records of a batch. Cold path: it reads them from the compressed bytes. */
class Records {
  readonly #batch: SealedBatch;
  readonly #bytes: Buffer;
  /** Where each record's bytes begin, its length included, and after the last one where they end. */
  readonly #starts: readonly number[];

  constructor(batch: SealedBatch) {
    this.#batch = batch;
    this.#bytes = recordsOf(batch.bytes);
    const reader = new VarintReader(this.#bytes);
    const starts: number[] = [];
    for (let i = 0; i < batch.records; i++) {
      starts.push(reader.offset);
      const length = reader.read();
      reader.offset += length;
    }
    starts.push(reader.offset);
    this.#starts = starts;
  }

  /** Their share of the batch's `rawBytes`, so that what was counted in is counted out, whatever re-encoding takes. */
  rawBytesOf(indices: readonly number[]): number {
    const { records, rawBytes } = this.#batch;
    const bytes = indices.reduce((sum, index) => sum + this.#start(index + 1) - this.#start(index), 0);
    // The bytes of an earlier split are shorter than what its records were counted as; the last part takes the rest.
    const missing = rawBytes - this.#bytes.length;
    return bytes + (indices.at(-1) === records - 1 ? missing : 0);
  }

  /** A batch of these records alone, in the same order. */
  pick(indices: readonly number[]): SealedBatch {
    const baseTimestampMs = baseTimestampOf(this.#batch.bytes);
    const target = Buffer.allocUnsafe(headerBytes + this.#bytes.length);
    let maxDelta = Number.NEGATIVE_INFINITY;
    let at = headerBytes;
    indices.forEach((index, position) => {
      const reader = new VarintReader(this.#bytes, this.#start(index));
      reader.read();
      const attributesAt = reader.offset;
      reader.offset += 1;
      maxDelta = Math.max(maxDelta, reader.read());
      const offsetDeltaAt = reader.offset;
      reader.read();
      const prefix = this.#bytes.subarray(attributesAt, offsetDeltaAt);
      const rest = this.#bytes.subarray(reader.offset, this.#start(index + 1));
      const offsetDelta = Buffer.alloc(5);
      const offsetDeltaBytes = writeVarint(position, offsetDelta, 0);
      // No longer than before: the offset delta has not grown, and lengths lose their padding.
      at = writeVarint(prefix.length + offsetDeltaBytes + rest.length, target, at);
      at += prefix.copy(target, at);
      at += offsetDelta.copy(target, at, 0, offsetDeltaBytes);
      at += rest.copy(target, at);
    });
    const summary = { records: indices.length, baseTimestampMs, maxTimestampMs: baseTimestampMs + maxDelta };
    const settleables = indices.map((index) => this.#batch.settleables[index] as Settleable);
    const rawBytes = this.rawBytesOf(indices);
    const part = new SealedBatch(
      sealBytes(target, at, summary),
      indices.length,
      rawBytes,
      settleables,
      this.#batch.openedAtMs,
    );
    part.mayBeStored = this.#batch.mayBeStored;
    part.handedOver = this.#batch.handedOver;
    return part;
  }

  #start(index: number): number {
    return this.#starts[index] as number;
  }
}
