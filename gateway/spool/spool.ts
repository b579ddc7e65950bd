import type { Account } from '../core/account.ts';
import { delivered, type Outcome, spooled, unanswered } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { Pressure, RecordEncoder } from '../core/record-sink.ts';
import { Watermarks } from '../core/watermarks.ts';
import { BufferPool } from '../record-batch/buffer-pool.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { type FileLayer, nodeFiles } from './file-layer.ts';
import { Frame } from './frame.ts';
import { layOutFrame } from './frame-format.ts';
import { GroupWriter } from './group-writer.ts';
import { Intake } from './intake.ts';
import type { SpoolBlock, SpoolObserver } from './observer.ts';
import { type OpenDirectory, openDirectory } from './open-directory.ts';
import { ReplayReader } from './replay-reader.ts';
import { type Segment, Segments } from './segments.ts';
import type { BatchLimits, SpoolSettings } from './settings.ts';

export interface SpoolOptions {
  readonly settings: SpoolSettings;
  readonly limits: BatchLimits;
  readonly observer: SpoolObserver;
  /** The real one by default. */
  readonly files?: FileLayer;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly nowMs?: () => number;
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

/**
 * A queue of record batches on disk. Records go in one by one, are encoded straight into the open batch of their topic,
 * and are told `spooled` when the group that their batch was written with is on the disk. Batches come out in order, and
 * stay on the disk until they are settled. Knows nothing of Kafka but its batch format.
 */
export class Spool {
  readonly #settings: SpoolSettings;
  readonly #observer: SpoolObserver;
  readonly #nowMs: () => number;
  readonly #lock: DirectoryLock;
  readonly #segments: Segments;
  readonly #writer: GroupWriter;
  readonly #reader: ReplayReader;
  readonly #intake: Intake;
  readonly #watermarks: Watermarks;
  readonly #topics = new Map<string, Buffer>();
  #nextFrame: number;
  /** Batches that were sealed while `takeOpen` asked for them. */
  #taken: { readonly topic: string; readonly batch: SealedBatch }[] | undefined;
  #flushing = false;
  #closed = false;
  /** Records and batches that are not settled. */
  #records = 0;
  #batches = 0;
  /** Of the oldest batch that is on its way to Kafka; set by the owner. */
  #oldestInFlightAtMs: number | undefined;
  /** Records that have not been handed out for replay, those of open batches excluded. */
  #unread = 0;
  /** Records found in the directory at the start. */
  readonly recoveredRecords: number;
  /** Records that could be read when they were written, and cannot any more. */
  damagedRecords = 0;
  /** Records that were put in since the start. */
  appendedRecords = 0;
  /** Records that Kafka has settled since the start. */
  settledRecords = 0;
  /** Told when records have become durable, or the disk's state has changed. */
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

  private constructor(options: SpoolOptions, { lock, survey, cursorFile, cursor }: OpenDirectory) {
    const { settings, limits, observer, files = nodeFiles, nowMs = Date.now } = options;
    this.#settings = settings;
    this.#observer = observer;
    this.#nowMs = nowMs;
    this.#lock = lock;
    this.#nextFrame = survey.nextFrame;
    this.#watermarks = new Watermarks(limits, (level) => this.onPressure(level));
    this.#segments = new Segments(files, settings.directory, settings.segmentBytes, survey.nextSegment);
    for (const segment of survey.segments) {
      this.#segments.adopt(segment);
      this.#records += segment.records;
      this.#batches += segment.frames;
    }
    this.recoveredRecords = this.#records;
    this.#unread = this.#records;
    this.#writer = new GroupWriter({
      segments: this.#segments,
      cursorFile,
      cursor,
      maxBytes: settings.maxBytes,
      observer,
      sealDue: () => this.#sealDue(),
      isTooOld: () => this.#ageMs() > settings.maxAgeSeconds * 1000,
      durable: (frame, segment, at) => this.#durable(frame, segment, at),
      changed: () => this.onChange(),
    });
    this.#reader = new ReplayReader({
      files,
      segments: this.#segments.list,
      pending: this.#writer.pending,
      nextFrame: cursor,
      damaged: (segment, range) => observer.damaged(segment.name, [range]),
      lost: (segment, records) => this.#lost(segment, records),
    });
    const pool = new BufferPool(limits.maxBatchBytes, maxFreeBufferBytes);
    this.#intake = new Intake(pool, limits.maxBatchRecords, (topic, batch) => this.#sealed(topic, batch));
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
      setImmediate(() => this.#tell([settleable], unanswered));
      return true;
    }
    const bytes = this.#intake.append(topic, key, timestampMs, encoder, event, settleable);
    if (bytes < 0) return false;
    if (this.#intake.records === 1) this.#writer.wakeIn(this.#lingerMs);
    this.#watermarks.add(bytes);
    return true;
  }

  /**
   * Puts in a whole batch, which the caller delivers to Kafka by itself: it is not handed out for replay. Only while
   * everything has been handed out.
   *
   * @param batch is copied.
   */
  put(topic: string, batch: Uint8Array, records: number, rawBytes: number, settleables: readonly Settleable[]): Frame {
    this.#watermarks.add(rawBytes, records);
    const frame = this.#enqueue(topic, batch, records, rawBytes, settleables);
    this.#unread -= records;
    this.#reader.skipTo(frame.number + 1);
    return frame;
  }

  /** The next batch for replay, or undefined when there is none. @throws when the disk cannot be read. */
  next(): Frame | undefined {
    const frame = this.#reader.next();
    if (frame !== undefined) this.#unread -= frame.records;
    return frame;
  }

  /** Takes back the open batches, in the order of each topic; they are not in the spool and never were. */
  takeOpen(): readonly { readonly topic: string; readonly batch: SealedBatch }[] {
    const taken: { topic: string; batch: SealedBatch }[] = [];
    this.#taken = taken;
    this.#intake.sealAll();
    this.#taken = undefined;
    for (const { batch } of taken) this.#watermarks.remove(batch.records, batch.rawBytes);
    return taken;
  }

  /** Kafka has settled every record of a frame. */
  settled(frame: Frame): void {
    this.settledRecords += frame.records;
    this.#records -= frame.records;
    this.#batches -= 1;
    const waiting = frame.waiting;
    if (waiting.length === 0) return;
    frame.waiting = [];
    this.#watermarks.remove(frame.records, frame.rawBytes);
    this.#tell(waiting, delivered);
  }

  /**
   * Everything before `frame` (undefined: before the next one to be handed out) is settled.
   *
   * @param mayDropActive true: nothing is expected to be put in soon, so no file is kept open for it.
   */
  settledBefore(frame: Frame | undefined, mayDropActive: boolean): void {
    this.#oldestInFlightAtMs = frame?.spooledAtMs;
    this.#writer.settledBefore(frame?.number ?? this.#reader.nextFrame, mayDropActive);
  }

  /** Records that have not been handed out for replay. */
  get unread(): number {
    return this.#unread + this.#intake.records;
  }

  get pressure(): Pressure {
    return this.#watermarks.level;
  }

  /** Why nothing more is taken, if so. */
  get block(): SpoolBlock | undefined {
    return this.#writer.block;
  }

  depth(): SpoolDepth {
    return { records: this.#records, batches: this.#batches, bytes: this.#segments.bytes, ageMs: this.#ageMs() };
  }

  /** Records that are in memory only and whose publishes wait for it. */
  get waitingRecords(): number {
    return this.#watermarks.records;
  }

  /**
   * The spool's accounts, for the self-check of rule 7; not to be read from inside of a settlement. What lies in the
   * segments, in memory and in open batches is counted there.
   *
   * @param inFlight records that were handed out and are not settled, counted by whoever has them.
   */
  accounts(inFlight: number): Account[] {
    const { pending } = this.#writer;
    const inSegments = this.#segments.list.reduce((sum, { unread }) => sum + unread, 0);
    const unread = pending.filter(({ number }) => number >= this.#reader.nextFrame);
    const waiting = pending.reduce((sum, frame) => sum + frame.waiting.length, 0);
    return [
      {
        name: 'spool_records',
        came: this.recoveredRecords + this.appendedRecords,
        went: this.settledRecords + this.damagedRecords,
        held: unread.reduce((sum, { records }) => sum + records, inSegments + inFlight),
      },
      { name: 'spool_waiting', came: this.#watermarks.records, went: 0, held: waiting + this.#intake.count() },
    ];
  }

  /** Makes everything durable without lingering. Resolves to the records that could not be, when the time is over. */
  async flush(deadlineMs: number): Promise<number> {
    this.#flushing = true;
    this.#writer.wake();
    const deadlineAtMs = performance.now() + deadlineMs;
    while (this.#watermarks.records > 0 && performance.now() < deadlineAtMs) {
      await new Promise((resolve) => setTimeout(resolve, flushPollMs));
    }
    return this.#watermarks.records;
  }

  /** Settles what is not durable as unanswered, writes the cursor, and lets go of the directory. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.close();
    for (const { batch } of this.takeOpen()) this.#tell(batch.settleables, unanswered);
    for (const frame of this.#writer.pending) {
      const waiting = frame.waiting;
      frame.waiting = [];
      this.#tell(waiting, unanswered);
    }
    this.#lock.release();
  }

  get #lingerMs(): number {
    return this.#flushing ? 0 : this.#settings.lingerMs;
  }

  #sealDue(): number {
    if (this.#intake.records === 0) return Number.POSITIVE_INFINITY;
    const waitMs = this.#lingerMs - this.#intake.waitedMs;
    if (waitMs > 0 && this.#writer.pending.length === 0) return waitMs;
    this.#intake.sealAll();
    return Number.POSITIVE_INFINITY;
  }

  #sealed(topic: string, batch: SealedBatch): void {
    if (this.#taken !== undefined) {
      this.#taken.push({ topic, batch });
      return;
    }
    this.#enqueue(topic, batch.bytes, batch.records, batch.rawBytes, batch.settleables);
  }

  #enqueue(
    topic: string,
    batch: Uint8Array,
    records: number,
    rawBytes: number,
    settleables: readonly Settleable[],
  ): Frame {
    const header = { number: this.#nextFrame, topic, records, rawBytes, spooledAtMs: this.#nowMs() };
    this.#nextFrame += 1;
    const frame = Frame.toWrite(header, layOutFrame(header, this.#topicBytes(topic), batch), settleables);
    this.#writer.pending.push(frame);
    this.#records += records;
    this.#batches += 1;
    this.#unread += records;
    this.appendedRecords += records;
    this.#writer.wake();
    return frame;
  }

  #topicBytes(topic: string): Buffer {
    let bytes = this.#topics.get(topic);
    if (bytes === undefined) {
      bytes = Buffer.from(topic);
      this.#topics.set(topic, bytes);
    }
    return bytes;
  }

  #durable(frame: Frame, segment: Segment, at: number): void {
    frame.durable = true;
    this.#reader.durable(frame, segment, at);
    const waiting = frame.waiting;
    if (waiting.length === 0) return;
    frame.waiting = [];
    this.#watermarks.remove(frame.records, frame.rawBytes);
    this.#tell(waiting, spooled);
  }

  #lost(segment: Segment, records: number): void {
    segment.damaged = true;
    this.damagedRecords += records;
    this.#records -= records;
    this.#unread -= records;
  }

  #ageMs(): number {
    const oldest = this.#oldestInFlightAtMs ?? this.#reader.oldestAtMs;
    return oldest === undefined ? 0 : Math.max(0, this.#nowMs() - oldest);
  }

  /** Tells each, in order. One that throws does not keep it from the others. */
  #tell(settleables: readonly Settleable[], outcome: Outcome): void {
    for (let i = 0; i < settleables.length; i++) {
      try {
        (settleables[i] as Settleable).settleRecord(outcome);
      } catch (error) {
        this.#observer.settleFailed(error);
      }
    }
  }
}

const flushPollMs = 5;
