import type { Account } from '../core/account.ts';
import { delivered, type Outcome, spooled, unanswered } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { Pressure, RecordEncoder } from '../core/record-sink.ts';
import type { DirectoryLock } from '../directory-lock/directory-lock.ts';
import { BufferPool } from '../record-batch/buffer-pool.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import { type FileLayer, nodeFiles } from './file-layer.ts';
import { Flight } from './flight.ts';
import type { Frame } from './frame.ts';
import { type BatchToSpool, Framing } from './framing.ts';
import { GroupWriter } from './group-writer.ts';
import { Intake } from './intake.ts';
import type { SpoolBlock, SpoolObserver } from './observer.ts';
import { type OpenDirectory, openDirectory } from './open-directory.ts';
import { ReadPatience } from './read-patience.ts';
import { ReplayReader } from './replay-reader.ts';
import { type Segment, Segments } from './segments.ts';
import type { BatchLimits, SpoolSettings } from './settings.ts';
import { type Clocks, SpoolClock } from './spool-clock.ts';
import { Waiting } from './waiting.ts';

export interface SpoolOptions {
  readonly settings: SpoolSettings;
  readonly limits: BatchLimits;
  readonly observer: SpoolObserver;
  /** The real one by default. */
  readonly files?: FileLayer;
  /** The system's by default. */
  readonly clocks?: Partial<Clocks>;
}

/** What is in the spool and not settled by Kafka. */
export interface SpoolDepth {
  readonly records: number;
  readonly batches: number;
  /** Bytes of the segment files. */
  readonly bytes: number;
  /** Age of the oldest batch; 0 when there is none. */
  readonly ageMs: number;
}

const maxFreeBufferBytes = 16 * 1024 * 1024;
const flushPollMs = 5;
/** When a disk that cannot be read should be asked again. */
export const readRetryMs = 100;

/**
 * A queue of record batches on disk. Records go in one by one, are encoded straight into the open batch of their topic,
 * and are told `spooled` when the group that their batch was written with is on the disk. Batches come out in order, and
 * stay on the disk until they are settled. Knows nothing of Kafka but its batch format.
 */
export class Spool {
  readonly #observer: SpoolObserver;
  readonly #clock: SpoolClock;
  /** Frames from this one on were spooled by this process. */
  readonly #firstOwnFrame: number;
  readonly #lock: DirectoryLock;
  readonly #segments: Segments;
  readonly #writer: GroupWriter;
  readonly #reader: ReplayReader;
  readonly #framing: Framing;
  readonly #intake: Intake;
  readonly #waiting: Waiting;
  readonly #flight = new Flight();
  #isBypassed = false;
  readonly #patience: ReadPatience;
  #closed = false;
  /** Not settled. */
  #batches = 0;
  /** Why nothing more is taken, if so. */
  block: SpoolBlock | undefined;
  /** Records found in the directory at the start, and the topics that they are for. */
  readonly recoveredRecords: number;
  readonly recoveredTopics: ReadonlySet<string>;
  /** Records that could be read when they were written, and cannot any more. */
  damagedRecords = 0;
  /** Records that were put in since the start. */
  appendedRecords = 0;
  /** Records that Kafka has settled since the start. */
  settledRecords = 0;
  /** Told when records have become durable, or `block` has changed. Not from inside of `next`. */
  onChange: () => void = () => undefined;
  onPressure: (level: Pressure) => void = () => undefined;

  /**
   * Takes the directory (made when missing, mode 0700), cuts off a torn tail, and finds what is to be replayed.
   *
   * @throws {SpoolError} when another process has the directory, or it cannot be used.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { settings, observer, files = nodeFiles } = options;
    const { directory } = settings;
    const startedAtMs = performance.now();
    const opened = await openDirectory(files, directory);
    const { segments, unreadable, tornBytes } = opened.survey;
    const spool = new Spool(options, opened);
    const { records, batches, bytes } = spool.depth();
    observer.opened({ directory, records, batches, bytes, tornBytes, durationMs: performance.now() - startedAtMs });
    for (const { name, damage } of segments) if (damage.length > 0) observer.damaged(name, damage);
    for (const { name, bytes: to } of unreadable)
      observer.damaged(name, [{ from: 0, to, firstFrame: 0, nextFrame: 0 }]);
    return spool;
  }

  private constructor(options: SpoolOptions, { lock, survey, cursorFile, cursor, kept }: OpenDirectory) {
    const { settings, limits, observer, files = nodeFiles, clocks } = options;
    this.#observer = observer;
    const { wallMs = Date.now, monotonicMs = () => performance.now() } = clocks ?? {};
    this.#patience = new ReadPatience(monotonicMs);
    this.#clock = new SpoolClock({ wallMs, monotonicMs }, settings.maxAgeSeconds * 1000);
    this.#firstOwnFrame = survey.nextFrame;
    this.#lock = lock;
    this.#framing = new Framing(survey.nextFrame, () => this.#clock.nowMs());
    this.#waiting = new Waiting(limits, observer, (level) => this.onPressure(level));
    this.#segments = new Segments(files, settings.directory, settings.segmentBytes, survey.nextSegment, kept);
    for (const segment of survey.segments) {
      this.#segments.adopt(segment);
      this.#batches += segment.frames;
    }
    this.recoveredRecords = survey.segments.reduce((sum, { records }) => sum + records, 0);
    this.recoveredTopics = new Set(survey.segments.flatMap(({ topics }) => [...topics]));
    this.#writer = new GroupWriter({
      segments: this.#segments,
      cursorFile,
      cursor,
      maxBytes: settings.maxBytes,
      observer,
      sealDue: () => this.#intake.sealDue(this.#writer.pending.length > 0),
      isTooOld: () => this.#ageMs() > settings.maxAgeSeconds * 1000,
      durable: (frame, segment, at) => this.#durable(frame, segment, at),
      changed: () => this.#changed(),
    });
    this.#reader = new ReplayReader({
      files,
      segments: this.#segments.list,
      pending: this.#writer.pending,
      nextFrame: cursor,
      damaged: (segment, range) => observer.damaged(segment.name, [range]),
      lost: (segment, records) => {
        segment.damaged = true;
        this.damagedRecords += records;
      },
    });
    const pool = new BufferPool(limits.maxBatchBytes, maxFreeBufferBytes);
    this.#intake = new Intake(pool, limits.maxBatchRecords, settings.lingerMs, (topic, batch) => {
      this.#enqueue(topic, batch);
    });
  }

  /** As `RecordSink.append`; the outcome is `spooled`, or `delivered` when Kafka was quicker than the disk. */
  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    if (this.#closed) {
      setImmediate(() => this.#waiting.tell([settleable], unanswered));
      return true;
    }
    const bytes = this.#intake.append(topic, key, timestampMs, encoder, event, settleable);
    if (bytes < 0) return false;
    if (this.#intake.records === 1) this.#writer.wakeIn(this.#intake.dueInMs);
    this.#waiting.add(1, bytes);
    return true;
  }

  /**
   * Puts in a whole batch, which the caller delivers to Kafka by itself: it is not handed out for replay. Only while
   * everything has been handed out.
   *
   * @returns what is to be settled with `recordSettled`.
   */
  put(topic: string, batch: BatchToSpool): Frame {
    this.#waiting.add(batch.records, batch.rawBytes);
    const frame = this.#enqueue(topic, batch);
    this.#reader.skipTo(frame.number + 1);
    this.#flight.add(frame);
    return frame;
  }

  /**
   * The next batch for replay, to be settled with `recordSettled`; undefined when only open batches are left. `unreadable`:
   * the disk does not give it away now; to be asked again after `readRetryMs`.
   */
  next(): Frame | 'unreadable' | undefined {
    try {
      const frame = this.#patience.isOver ? this.#reader.nextBehindDamage() : this.#reader.next();
      if (this.#patience.succeeded()) this.#changedSoon();
      if (frame !== undefined) this.#flight.add(frame);
      return frame;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      this.#observer.diskFailed('read', code, readRetryMs);
      if (this.#patience.failed(error)) this.#changedSoon();
      return 'unreadable';
    }
  }

  /** Gives back the open batches, in the order of each topic; they are not in the spool and never were. */
  takeOpen(take: (topic: string, batch: SealedBatch) => void): void {
    let records = 0;
    let bytes = 0;
    this.#intake.takeAll((topic, batch) => {
      records += batch.records;
      bytes += batch.rawBytes;
      take(topic, batch);
    });
    this.#waiting.remove(records, bytes);
  }

  /**
   * Kafka has refused a record of a frame for good. When the frame is not durable its device still waits, and its publish
   * goes the way of one that never was in the spool: with a dead letter of its raw payload.
   *
   * @returns false when the device has been answered, so that the caller has to see to the record.
   */
  refuseWaiting(frame: Frame, index: number, outcome: Outcome): boolean {
    return this.#waiting.settleOne(frame, index, outcome);
  }

  /** Kafka has settled one more record of a frame. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    if (!this.#flight.recordSettled(frame)) return false;
    this.settledRecords += frame.records;
    this.#batches -= 1;
    this.#waiting.settle(frame, delivered);
    this.#advance();
    return true;
  }

  /** @param isBypassed true: nothing is expected to be put in soon, so no file is kept open for it. */
  bypass(isBypassed: boolean): void {
    this.#isBypassed = isBypassed;
    this.#advance();
  }

  #advance(): void {
    const { oldest } = this.#flight;
    this.#writer.settledBefore(oldest?.number ?? this.#reader.nextFrame, this.#isBypassed && oldest === undefined);
  }

  /** Batches that have been handed out and are not settled. */
  get inFlight(): Pick<Flight, 'records' | 'span'> {
    return this.#flight;
  }

  get pressure(): Pressure {
    return this.#waiting.pressure;
  }

  depth(): SpoolDepth {
    const records = this.recoveredRecords + this.appendedRecords - this.settledRecords - this.damagedRecords;
    return { records, batches: this.#batches, bytes: this.#segments.bytes, ageMs: this.#ageMs() };
  }

  /** Files that are kept as damaged, for the operator to look at and to remove. */
  get kept(): { readonly files: number; readonly bytes: number } {
    return this.#segments.kept;
  }

  /** Records that are in memory only and whose publishes wait for it. */
  get waitingRecords(): number {
    return this.#waiting.records;
  }

  /**
   * The spool's accounts, for the self-check of rule 7; not to be read from inside of a settlement. What lies in the
   * segments, in memory, in open batches and on its way to Kafka is counted there.
   */
  accounts(): Account[] {
    const { pending } = this.#writer;
    const unread = pending.filter(({ number }) => number >= this.#reader.nextFrame);
    const inSegments = this.#segments.list.reduce((sum, segment) => sum + segment.unread, 0);
    const inMemory = unread.reduce((sum, { records }) => sum + records, 0);
    const waiting = pending.reduce((sum, frame) => sum + frame.waiting.length, 0);
    return [
      {
        name: 'spool_records',
        came: this.recoveredRecords + this.appendedRecords,
        went: this.settledRecords + this.damagedRecords,
        held: inSegments + inMemory + this.#flight.count(),
      },
      { name: 'spool_waiting', came: this.#waiting.records, went: 0, held: waiting + this.#intake.count() },
    ];
  }

  /** Makes everything durable without lingering. Resolves to the records that could not be, when the time is over. */
  async flush(deadlineMs: number): Promise<number> {
    this.#intake.stopLingering();
    this.#writer.wake();
    const deadlineAtMs = performance.now() + deadlineMs;
    while (this.#waiting.records > 0 && performance.now() < deadlineAtMs) {
      await new Promise((resolve) => setTimeout(resolve, flushPollMs));
    }
    return this.#waiting.records;
  }

  /** Settles what is not durable as unanswered, writes the cursor, and lets go of the directory. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.close();
    this.takeOpen((_topic, batch) => this.#waiting.tell(batch.settleables, unanswered));
    for (const frame of this.#writer.pending) this.#waiting.settle(frame, unanswered);
    this.#lock.release();
  }

  #enqueue(topic: string, batch: BatchToSpool): Frame {
    const frame = this.#framing.frame(topic, batch);
    this.#writer.pending.push(frame);
    this.#batches += 1;
    this.appendedRecords += batch.records;
    this.#writer.wake();
    return frame;
  }

  #durable(frame: Frame, segment: Segment, at: number): void {
    this.#reader.durable(frame, segment, at);
    this.#waiting.settle(frame, spooled);
  }

  /** Later: whoever is told may ask for the next batch while this one is not where it belongs. */
  #changedSoon(): void {
    setImmediate(() => this.#changed());
  }

  #changed(): void {
    const block = this.#writer.block ?? (this.#patience.isFailing ? 'failing' : undefined);
    if (block !== this.block) {
      this.block = block;
      this.#observer.blockChanged(block);
    }
    this.onChange();
  }

  #ageMs(): number {
    const inFlight = this.#flight.oldest;
    const oldestAtMs = inFlight?.spooledAtMs ?? this.#reader.oldestAtMs;
    // A segment of which no date can be read makes nothing look old.
    if (oldestAtMs === undefined || oldestAtMs === Number.POSITIVE_INFINITY) return 0;
    const isOwn = (inFlight?.number ?? this.#reader.nextFrame) >= this.#firstOwnFrame;
    return isOwn ? this.#clock.ageMs(oldestAtMs) : this.#clock.recoveredAgeMs(oldestAtMs);
  }
}
