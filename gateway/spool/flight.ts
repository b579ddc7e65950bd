import type { Frame } from './frame.ts';

/** So much, in frames. */
export interface FrameSum {
  readonly records: number;
  /** Uncompressed. */
  readonly rawBytes: number;
}

const nothing: FrameSum = { records: 0, rawBytes: 0 };

/** Frames on their way to Kafka. They are settled in any order, and let go of then, also behind one that takes long. */
export class Flight {
  /** With what was added before each; in the order of their numbers, as a map keeps the order of insertion. */
  readonly #frames = new Map<Frame, FrameSum>();
  /** All that was ever added. */
  #added = nothing;
  /** Unsettled records. */
  records = 0;

  /** Frames are added in the order of their numbers. */
  add(frame: Frame): void {
    const { records, rawBytes } = this.#added;
    this.#frames.set(frame, this.#added);
    this.#added = { records: records + frame.records, rawBytes: rawBytes + frame.rawBytes };
    this.records += frame.records;
  }

  /** One record of a frame is settled. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    frame.unsettled -= 1;
    this.records -= 1;
    return frame.unsettled === 0 && this.#frames.delete(frame);
  }

  /**
   * From the oldest frame that is not settled on, settled ones included: a cursor cannot pass it, so a crash repeats all
   * of that.
   */
  get span(): FrameSum {
    for (const before of this.#frames.values()) {
      return { records: this.#added.records - before.records, rawBytes: this.#added.rawBytes - before.rawBytes };
    }
    return nothing;
  }

  /** Records of the frames that are not settled, counted frame by frame. */
  count(): number {
    let records = 0;
    for (const frame of this.#frames.keys()) records += frame.records;
    return records;
  }

  /** The oldest frame that is not settled; undefined when all are. */
  get oldest(): Frame | undefined {
    for (const frame of this.#frames.keys()) return frame;
    return undefined;
  }
}
