import type { Frame } from './frame.ts';

/** Frames on their way to Kafka. They are settled in any order, and let go of then, also behind one that takes long. */
export class Flight {
  /** In the order of their numbers, as a set keeps the order of insertion. */
  readonly #frames = new Set<Frame>();
  /** Unsettled records. */
  records = 0;
  /** Uncompressed bytes of the frames that are not settled. */
  rawBytes = 0;

  /** Frames are added in the order of their numbers. */
  add(frame: Frame): void {
    this.#frames.add(frame);
    this.records += frame.records;
    this.rawBytes += frame.rawBytes;
  }

  /** One record of a frame is settled. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    frame.unsettled -= 1;
    this.records -= 1;
    if (frame.unsettled > 0) return false;
    this.rawBytes -= frame.rawBytes;
    this.#frames.delete(frame);
    return true;
  }

  /** Records of the frames that are not settled, counted frame by frame. */
  count(): number {
    let records = 0;
    for (const frame of this.#frames) records += frame.records;
    return records;
  }

  /** The oldest frame that is not settled; undefined when all are. */
  get oldest(): Frame | undefined {
    for (const frame of this.#frames) return frame;
    return undefined;
  }
}
