import type { Frame } from './frame.ts';

/** Frames on their way to Kafka, in their order; they are settled in any. */
export class Flight {
  #frames: Frame[] = [];
  /** Unsettled records. */
  records = 0;
  /** Uncompressed bytes of the frames that are not settled. */
  rawBytes = 0;

  /** Frames are added in the order of their numbers. */
  add(frame: Frame): void {
    this.#frames.push(frame);
    this.records += frame.records;
    this.rawBytes += frame.rawBytes;
  }

  /** One record of a frame is settled. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    frame.unsettled -= 1;
    this.records -= 1;
    if (frame.unsettled > 0) return false;
    this.rawBytes -= frame.rawBytes;
    return true;
  }

  /** Records of the frames that are not settled, counted frame by frame. */
  count(): number {
    return this.#frames.reduce((sum, { unsettled, records }) => (unsettled > 0 ? sum + records : sum), 0);
  }

  /** The oldest frame that is not settled; undefined when all are. */
  oldest(): Frame | undefined {
    let settled = 0;
    while (this.#frames[settled]?.unsettled === 0) settled += 1;
    if (settled > 0) this.#frames = this.#frames.slice(settled);
    return this.#frames[0];
  }
}
