import type { CursorFile } from './cursor-file.ts';
import type { Frame } from './frame.ts';
import { finishFrame } from './frame-format.ts';
import type { SpoolBlock, SpoolObserver } from './observer.ts';
import type { Segment, Segments, WrittenGroup } from './segments.ts';

export interface GroupWriterOptions {
  readonly segments: Segments;
  readonly cursorFile: CursorFile;
  readonly cursor: number;
  readonly maxBytes: number;
  readonly observer: SpoolObserver;
  /** Moves what is due from open batches to `pending`. Returns milliseconds until more is due; infinite for never. */
  readonly sealDue: () => number;
  /** Whether records are in the spool for longer than they may. */
  readonly isTooOld: () => boolean;
  /** A frame is durable, from `at` of the segment on. */
  readonly durable: (frame: Frame, segment: Segment, at: number) => void;
  /** A whole group is durable, or the state of the disk has changed. */
  readonly changed: () => void;
}

/** A group is not made larger than this, so that its fsync does not take for ever. */
const maxGroupBytes = 16 * 1024 * 1024;
/** At most this often while records are settled; what a crash makes us forget is replayed once more. */
const cursorEveryMs = 100;
const firstRetryMs = 100;
const longestRetryMs = 5000;

/**
 * Makes frames durable, group by group: what arrives while a group is being written and fsynced makes up the next one.
 * One loop does everything that touches the disk, so that no two steps of it ever meet. A failed step is tried again,
 * with growing pauses, for as long as it takes; nothing is told to be durable before it is (rule 1).
 */
export class GroupWriter {
  readonly #options: GroupWriterOptions;
  /** Frames that are not durable, by number, without gaps. */
  readonly pending: Frame[] = [];
  /** So many of `pending`, from the first on, are being written. */
  #writing = 0;
  #running = false;
  #again = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #cursor: number;
  #writtenCursor: number;
  #cursorAtMs = 0;
  #mayDropActive = false;
  #closed = false;
  block: SpoolBlock | undefined;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
    this.#writtenCursor = options.cursor;
  }

  /** There may be something to do. */
  readonly wake = (): void => {
    if (this.#running || this.#closed) {
      this.#again = true;
      return;
    }
    if (this.#failures > 0 && this.#timerAtMs < Number.POSITIVE_INFINITY) return;
    this.#running = true;
    void this.#run();
  };

  /** Looks at what is due after so long. */
  wakeIn(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    // After a failure the pause before the next try stands.
    const isArmed = this.#timerAtMs < Number.POSITIVE_INFINITY;
    if (this.#closed || (isArmed && (this.#failures > 0 || atMs >= this.#timerAtMs))) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.wake();
        // Timers take whole milliseconds.
      },
      Math.max(0, Math.ceil(delayMs)),
    );
  }

  /** Everything before this frame is settled by Kafka. */
  settledBefore(cursor: number, mayDropActive: boolean): void {
    this.#cursor = cursor;
    this.#mayDropActive = mayDropActive;
    // What Kafka has need not be written any more.
    while (this.#writing === 0 && isBefore(this.pending[0], cursor)) this.pending.shift();
    if (cursor === this.#writtenCursor) {
      if (mayDropActive && this.#options.segments.list.length > 0) this.wake();
      return;
    }
    const waitMs = this.#cursorWaitMs();
    if (waitMs > 0) this.wakeIn(waitMs);
    else this.wake();
  }

  /** Until the cursor is to be written; infinite when it is as it should be. */
  #cursorWaitMs(): number {
    if (this.#cursor === this.#writtenCursor) return Number.POSITIVE_INFINITY;
    return this.#cursorAtMs + cursorEveryMs - performance.now();
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#turn();
      } catch (error) {
        this.#failed(error);
        break;
      }
    } while (this.#again && !this.#closed);
    this.#running = false;
    this.#onIdle();
    this.#options.changed();
  }

  /** Everything that is due: the cursor, settled segments, and the groups that have come together. */
  async #turn(): Promise<void> {
    while (!this.#closed) {
      if (this.#cursorWaitMs() <= 0) await this.#writeCursor();
      await this.#options.segments.removeBefore(this.#writtenCursor, this.#mayDropActive && this.pending.length === 0);
      const waitMs = Math.min(this.#options.sealDue(), this.#cursorWaitMs());
      if (this.pending.length === 0) {
        if (this.#failures > 0) await this.#options.segments.probe();
        this.#recovered();
        if (waitMs < Number.POSITIVE_INFINITY) this.wakeIn(waitMs);
        return;
      }
      if (!(await this.#writeGroup())) return;
    }
  }

  /** Returns false when nothing more is taken. */
  async #writeGroup(): Promise<boolean> {
    const { segments, maxBytes, observer, isTooOld, changed } = this.#options;
    const frames = this.#nextGroup();
    const first = frames[0] as Frame;
    const buffers = frames.map(({ bytes }) => bytes as Buffer);
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    if (segments.bytes + bytes > maxBytes || isTooOld()) {
      this.#setBlock('full');
      return false;
    }
    // From here on the group stays at the front of `pending`, whatever Kafka settles during the steps that take time.
    this.#writing = frames.length;
    let written: WrittenGroup;
    try {
      // What Kafka had before it was written leaves a gap, and only the cursor tells that nothing is missing there.
      if (first.number !== segments.nextFrame) await this.#writeCursor();
      for (const buffer of buffers) finishFrame(buffer, first.number);
      const nextFrame = first.number + frames.length;
      written = await segments.write({
        buffers,
        bytes,
        firstFrame: first.number,
        nextFrame,
        firstAtMs: first.spooledAtMs,
      });
    } finally {
      this.#writing = 0;
    }
    this.pending.splice(0, frames.length);
    this.#recovered();
    const records = frames.reduce((sum, frame) => sum + frame.records, 0);
    observer.groupWritten(frames.length, records, bytes, written.writeMs, written.syncMs);
    let at = written.at;
    for (const frame of frames) {
      this.#options.durable(frame, written.segment, at);
      at += (frame.bytes as Buffer).length;
    }
    changed();
    return true;
  }

  #nextGroup(): Frame[] {
    const frames: Frame[] = [];
    let bytes = 0;
    for (const frame of this.pending) {
      bytes += (frame.bytes as Buffer).length;
      if (frames.length > 0 && bytes > maxGroupBytes) break;
      frames.push(frame);
    }
    return frames;
  }

  async #writeCursor(): Promise<void> {
    const cursor = this.#cursor;
    await this.#options.cursorFile.write(cursor);
    this.#writtenCursor = cursor;
    this.#cursorAtMs = performance.now();
  }

  #recovered(): void {
    this.#failures = 0;
    this.#setBlock(undefined);
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const retryInMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10));
    const { code = 'unknown', syscall = 'write' } = error as NodeJS.ErrnoException;
    this.#options.observer.diskFailed(syscall, code, retryInMs);
    this.#setBlock('failing');
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.wakeIn(retryInMs);
  }

  #setBlock(block: SpoolBlock | undefined): void {
    if (this.block === block) return;
    this.block = block;
    this.#options.observer.blockChanged(block);
    this.#options.changed();
  }

  /** Whether nothing is left to be made durable. */
  get isIdle(): boolean {
    return !this.#running && this.pending.length === 0;
  }

  #onIdle: () => void = () => undefined;

  /** Stops once the step at hand has ended, and says where the cursor is. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#running) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    const { segments, cursorFile } = this.#options;
    try {
      if (this.#cursor !== this.#writtenCursor) await this.#writeCursor();
      await segments.removeBefore(this.#writtenCursor, true);
    } catch (error) {
      this.#failed(error);
    }
    await segments.closeActive().catch(() => undefined);
    await cursorFile.close().catch(() => undefined);
  }
}

const isBefore = (frame: Frame | undefined, number: number): boolean => frame !== undefined && frame.number < number;
