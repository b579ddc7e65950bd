import type { FileLayer } from './file-layer.ts';
import { Frame } from './frame.ts';
import { decodeFrame, findFrame, frameHeaderBytes, frameLengthAt, type ReadFrame } from './frame-format.ts';
import { contentOf } from './frame-sealing.ts';
import { readAround } from './read-around.ts';
import type { Segment } from './segments.ts';
import type { DamagedRange } from './walk-segment.ts';

export interface ReplayReaderOptions {
  readonly files: FileLayer;
  /** All segments, oldest first. */
  readonly segments: readonly Segment[];
  /** Frames that are not durable yet, by number, without gaps. */
  readonly pending: readonly Frame[];
  /** Number of the first frame to be replayed. */
  readonly nextFrame: number;
  /** Acknowledged records that cannot be read any more. */
  readonly damaged: (segment: Segment, range: DamagedRange) => void;
  /** Records that were counted in a segment and were not found in it, and the frames that they were in. */
  readonly lost: (segment: Segment, records: number, frames: number) => void;
}

/** Read at once; a larger frame is read whole. */
const chunkBytes = 1024 * 1024;

/**
 * Hands out the frames of the spool in order: from the segments, and where these end from memory, so that a spool that
 * keeps up never reads its disk. Synchronous, because the step from replaying to direct has to read the rest within one
 * turn of the event loop; what is read was written just before, or comes in chunks of one mebibyte.
 */
export class ReplayReader {
  readonly #options: ReplayReaderOptions;
  /** Number of the next frame. */
  nextFrame: number;
  #segment: Segment | undefined;
  #at = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkAt = 0;
  /** When the frame that was read last was spooled. */
  #lastAtMs = 0;
  #isPastRetrying = false;

  constructor(options: ReplayReaderOptions) {
    this.#options = options;
    this.nextFrame = options.nextFrame;
    const [first] = options.segments;
    if (first !== undefined) this.#enter(first);
  }

  /** The next frame, or undefined when all have been handed out. @throws when the disk cannot be read. */
  next(): Frame | undefined {
    const frame = this.#fromMemory() ?? this.#fromDisk() ?? this.#fromMemory();
    if (frame !== undefined) this.nextFrame = frame.number + 1;
    return frame;
  }

  /**
   * The same, after the disk has been asked often enough: what it does not give away is damage, and read around.
   *
   * @throws what is no error of the medium.
   */
  nextBehindDamage(): Frame | undefined {
    this.#isPastRetrying = true;
    try {
      return this.next();
    } finally {
      this.#isPastRetrying = false;
    }
  }

  /** When the next frame was spooled, or a little earlier; undefined when there is none. */
  get oldestAtMs(): number | undefined {
    const inMemory = this.#options.pending.find(({ number }) => number >= this.nextFrame)?.spooledAtMs;
    if (this.#segment === undefined) return inMemory;
    return Math.max(this.#segment.firstAtMs, this.#lastAtMs);
  }

  /** Everything before this frame needs no replay. Only while all frames have been handed out. */
  skipTo(frame: number): void {
    this.nextFrame = frame;
    this.#segment = undefined;
  }

  /** A frame has become durable. It is what the reader goes on with, unless it is behind or has had it from memory. */
  durable(frame: Frame, segment: Segment, at: number): void {
    if (frame.number < this.nextFrame) return;
    segment.unread.records += frame.records;
    segment.unread.frames += 1;
    if (this.#segment !== undefined) return;
    this.#enter(segment);
    this.#at = at;
  }

  #fromMemory(): Frame | undefined {
    const { pending } = this.#options;
    const first = pending[0];
    if (first === undefined || first.number > this.nextFrame) return undefined;
    const frame = pending[this.nextFrame - first.number];
    // Whatever the segments held has been read.
    if (frame !== undefined) this.#leave();
    return frame;
  }

  #fromDisk(): Frame | undefined {
    while (this.#segment !== undefined) {
      const segment = this.#segment;
      if (this.#at >= segment.end) {
        this.#leave();
        const next = this.#options.segments.find(({ nextFrame }) => nextFrame > this.nextFrame);
        if (next !== undefined && next !== segment) this.#enter(next);
        else this.nextFrame = Math.max(this.nextFrame, this.#options.pending[0]?.number ?? 0);
        continue;
      }
      const frame = this.#readFrame(segment);
      if (frame === undefined || frame.number < this.nextFrame) continue;
      segment.unread.records -= frame.records;
      segment.unread.frames -= 1;
      this.#lastAtMs = frame.spooledAtMs;
      return frame;
    }
    return undefined;
  }

  /** Reads one frame and moves on; undefined when there is none here any more. */
  #readFrame(segment: Segment): Frame | undefined {
    this.#load(segment, frameHeaderBytes);
    const length = frameLengthAt(this.#chunk, this.#at - this.#chunkAt);
    if (length > 0 && this.#at + length <= segment.end) {
      this.#load(segment, length);
      const read = this.#decode(segment, this.#at - this.#chunkAt);
      if (read !== undefined) {
        this.#at += length;
        return Frame.fromDisk(read);
      }
    }
    this.#skipDamage(segment);
    return undefined;
  }

  /** The frame at `at` of the chunk, its batch plain; undefined when it is not one that was written there. */
  #decode(segment: Segment, at: number): ReadFrame | undefined {
    const read = decodeFrame(this.#chunk, at);
    if (read === undefined) return undefined;
    const content = contentOf(read, this.#chunk, at, this.#chunkAt + at, segment);
    return 'batch' in content ? { ...read, batch: content.batch } : undefined;
  }

  /** Goes on with the first good frame behind the damage, or with the next segment. */
  #skipDamage(segment: Segment): void {
    const from = this.#at;
    this.#chunk = this.#read(segment, from, segment.end);
    this.#chunkAt = from;
    const found = findFrame(this.#chunk, 0, (_chunk, at) => this.#decode(segment, at));
    this.#at = found === undefined ? segment.end : from + found.at;
    const { nextFrame: firstFrame } = this;
    const nextFrame = found?.frame.number ?? segment.nextFrame;
    if (nextFrame <= firstFrame) return;
    // Nobody has to wait for what is missing, and its segment is done with when the rest is settled.
    this.nextFrame = nextFrame;
    segment.damaged = true;
    const isKnown = segment.knownDamage.some((known) => known.firstFrame <= firstFrame && nextFrame <= known.nextFrame);
    if (isKnown) return;
    this.#options.damaged(segment, { from, to: this.#at, firstFrame, nextFrame });
  }

  /** Makes sure that `bytes` from the place at hand are in the chunk, as far as the segment has them. */
  #load(segment: Segment, bytes: number): void {
    const end = Math.min(this.#at + bytes, segment.end);
    if (this.#at >= this.#chunkAt && end <= this.#chunkAt + this.#chunk.length) return;
    // Frames are views into it, so it is not used again.
    this.#chunk = this.#read(segment, this.#at, Math.min(this.#at + Math.max(chunkBytes, bytes), segment.end));
    this.#chunkAt = this.#at;
  }

  #read(segment: Segment, from: number, to: number): Buffer {
    const { files } = this.#options;
    if (this.#isPastRetrying || segment.damaged) {
      const { bytes, lostBytes } = readAround(files, segment.path, from, to);
      // So that nobody has to be patient once more for the next lost page of it.
      if (lostBytes > 0) segment.damaged = true;
      return bytes;
    }
    const bytes = Buffer.allocUnsafeSlow(to - from);
    return bytes.subarray(0, files.readInto(segment.path, bytes, from));
  }

  #enter(segment: Segment): void {
    this.#segment = segment;
    this.#at = segment.dataAt;
    this.#chunk = Buffer.alloc(0);
    this.#chunkAt = 0;
  }

  #leave(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    this.#chunk = Buffer.alloc(0);
    if (segment === undefined || segment.unread.frames === 0) return;
    const { records, frames } = segment.unread;
    segment.unread = { records: 0, frames: 0 };
    this.#options.lost(segment, records, frames);
  }
}
