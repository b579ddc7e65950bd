import type { Settleable } from '../core/publish.ts';
import { Frame } from './frame.ts';
import { layOutFrame } from './frame-format.ts';

/** A batch that goes into the spool, and who waits for it. */
export interface BatchToSpool {
  /** A record batch of Kafka's message format v2; copied. */
  readonly bytes: Uint8Array;
  readonly records: number;
  readonly rawBytes: number;
  readonly settleables: readonly Settleable[];
}

/** Makes frames of batches: numbers them, without gaps, and lays them out as they will be written. */
export class Framing {
  readonly #nowMs: () => number;
  readonly #topics = new Map<string, Buffer>();
  readonly #sealed: boolean;
  #next: number;

  /**
   * @param next number of the first frame.
   * @param sealed frames are encrypted when they are written.
   */
  constructor(next: number, nowMs: () => number, sealed = false) {
    this.#sealed = sealed;
    this.#next = next;
    this.#nowMs = nowMs;
  }

  frame(topic: string, { bytes, records, rawBytes, settleables }: BatchToSpool): Frame {
    const header = { number: this.#next, topic, records, rawBytes, spooledAtMs: this.#nowMs() };
    this.#next += 1;
    return Frame.toWrite(header, layOutFrame(header, this.#bytesOf(topic), bytes, this.#sealed), settleables);
  }

  #bytesOf(topic: string): Buffer {
    let bytes = this.#topics.get(topic);
    if (bytes === undefined) {
      bytes = Buffer.from(topic);
      this.#topics.set(topic, bytes);
    }
    return bytes;
  }
}
