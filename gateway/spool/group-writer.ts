import { Alarm } from './alarm.ts';
import type { CursorFile } from './cursor-file.ts';
import type { Frame } from './frame.ts';
import { finishFrame } from './frame-format.ts';
import type { SpoolBlock, SpoolObserver } from './observer.ts';
import type { Segment, Segments, WrittenGroup } from './segments.ts';
import { SettledCursor } from './settled-cursor.ts';

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
  /** A whole group is durable, or `block` has changed. */
  readonly changed: () => void;
}

/** A group is not made larger than this, so that its fsync does not take for ever. */
const maxGroupBytes = 16 * 1024 * 1024;
const firstRetryMs = 100;
const longestRetryMs = 5000;
/** A full spool has room again when Kafka has settled something, which is told; this is in case that it was not. */
const fullLookMs = 1000;

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
  readonly #alarm: Alarm;
  readonly #cursor: SettledCursor;
  #mayDropActive = false;
  #closed = false;
  #onIdle: () => void = () => undefined;
  /** Why nothing more is taken, if so. */
  block: SpoolBlock | undefined;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#cursor = new SettledCursor(options.cursorFile, options.cursor);
    this.#alarm = new Alarm(() => this.wake());
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#running || this.#closed) {
      this.#again = true;
      return;
    }
    if (this.#isPausing) return;
    this.#running = true;
    void this.#run();
  }

  /** Looks at what is due after so long. */
  wakeIn(delayMs: number): void {
    if (!(this.#closed || this.#isPausing)) this.#alarm.set(delayMs);
  }

  /** After a failure the pause before the next try stands. */
  get #isPausing(): boolean {
    return this.#failures > 0 && this.#alarm.isSet;
  }

  /**
   * Everything before this frame is settled by Kafka.
   *
   * @param mayDropActive nothing is expected to be written soon: when all is settled, no file is kept open.
   */
  settledBefore(cursor: number, mayDropActive: boolean): void {
    this.#cursor.frame = cursor;
    this.#mayDropActive = mayDropActive;
    // What Kafka has need not be written any more.
    while (this.#writing === 0 && isBefore(this.pending[0], cursor)) this.pending.shift();
    const waitMs = this.#cursor.dueInMs;
    if (waitMs === Number.POSITIVE_INFINITY) {
      if (mayDropActive && this.#options.segments.list.length > 0) this.wake();
    } else if (waitMs > 0) {
      this.wakeIn(waitMs);
    } else {
      this.wake();
    }
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
    const { segments, sealDue } = this.#options;
    while (!this.#closed) {
      if (this.#cursor.dueInMs <= 0) await this.#cursor.write();
      await segments.removeBefore(this.#cursor.written, this.#mayDropActive && this.pending.length === 0);
      const waitMs = Math.min(sealDue(), this.#cursor.dueInMs);
      if (this.pending.length === 0) {
        if (this.#failures > 0) await segments.probe();
        this.#failures = 0;
        this.#setBlock(undefined);
        if (waitMs < Number.POSITIVE_INFINITY) this.wakeIn(waitMs);
        return;
      }
      const group = this.#nextGroup();
      if (group.length === 0) {
        this.#setBlock('full');
        this.wakeIn(Math.min(waitMs, fullLookMs));
        return;
      }
      await this.#writeGroup(group);
    }
  }

  /** As much as there is room for; nothing when what is in the spool is too old. */
  #nextGroup(): Frame[] {
    const { segments, maxBytes, isTooOld } = this.#options;
    const group: Frame[] = [];
    if (isTooOld()) return group;
    // It may need a segment of its own.
    const room = maxBytes - segments.bytes - segments.headerBytes;
    let bytes = 0;
    for (const frame of this.pending) {
      bytes += (frame.bytes as Buffer).length;
      if (bytes > room || (group.length > 0 && bytes > maxGroupBytes)) break;
      group.push(frame);
    }
    return group;
  }

  async #writeGroup(group: readonly Frame[]): Promise<void> {
    const { observer, durable, changed } = this.#options;
    // From here on the group stays at the front of `pending`, whatever Kafka settles during the steps that take time.
    this.#writing = group.length;
    let written: WrittenGroup;
    try {
      written = await this.#write(group);
    } finally {
      this.#writing = 0;
    }
    this.pending.splice(0, group.length);
    this.#failures = 0;
    // A full one is full until nothing waits for room.
    if (this.block === 'failing') this.#setBlock(undefined);
    const records = group.reduce((sum, frame) => sum + frame.records, 0);
    observer.groupWritten(group.length, records, written.bytes, written.writeMs, written.syncMs);
    let at = written.at;
    for (const frame of group) {
      durable(frame, written.segment, at);
      at += (frame.bytes as Buffer).length;
    }
    changed();
  }

  async #write(group: readonly Frame[]): Promise<WrittenGroup> {
    const { segments } = this.#options;
    const { number: firstFrame, spooledAtMs: firstAtMs } = group[0] as Frame;
    // What Kafka had before it was written leaves a gap, and only the cursor tells that nothing is missing there.
    if (firstFrame !== segments.nextFrame) await this.#cursor.write();
    const buffers = group.map(({ bytes }) => bytes as Buffer);
    for (const buffer of buffers) finishFrame(buffer, firstFrame);
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    return segments.write({ buffers, bytes, firstFrame, nextFrame: firstFrame + group.length, firstAtMs });
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const retryInMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10));
    const { code = 'unknown', syscall = 'write' } = error as NodeJS.ErrnoException;
    this.#options.observer.diskFailed(syscall, code, retryInMs);
    this.#setBlock('failing');
    this.#alarm.clear();
    this.wakeIn(retryInMs);
  }

  #setBlock(block: SpoolBlock | undefined): void {
    if (this.block === block) return;
    this.block = block;
    this.#options.changed();
  }

  /** Whether nothing is left to be made durable. */
  get isIdle(): boolean {
    return !this.#running && this.pending.length === 0;
  }

  /** Stops once the step at hand has ended, and says where the cursor is. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#alarm.clear();
    if (this.#running) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    const { segments } = this.#options;
    try {
      if (this.#cursor.dueInMs < Number.POSITIVE_INFINITY) await this.#cursor.write();
      await segments.removeBefore(this.#cursor.written, true);
    } catch (error) {
      this.#failed(error);
    }
    await segments.closeActive().catch(() => undefined);
    await this.#cursor.close().catch(() => undefined);
  }
}

const isBefore = (frame: Frame | undefined, number: number): boolean => frame !== undefined && frame.number < number;
