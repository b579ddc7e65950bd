import type { Account } from '../core/account.ts';
import type { KeyProvider } from '../core/data-keys.ts';
import { type Outcome, spooled, unanswered } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { Pressure, RecordEncoder } from '../core/record-sink.ts';
import type { DirectoryLock } from '../directory-lock/directory-lock.ts';
import { BufferPool } from '../record-batch/buffer-pool.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import { type FileLayer, nodeFiles } from './file-layer.ts';
import type { Flight } from './flight.ts';
import type { Frame } from './frame.ts';
import { SpoolSealing } from './frame-sealing.ts';
import { type BatchToSpool, Framing } from './framing.ts';
import { GroupWriter } from './group-writer.ts';
import { Intake } from './intake.ts';
import { Ledger } from './ledger.ts';
import type { SpoolBlock, SpoolObserver } from './observer.ts';
import { type OpenDirectory, openDirectory } from './open-directory.ts';
import { Outlet } from './outlet.ts';
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
  /** What an encrypted spool is written and read with; undefined: there are no keys. */
  readonly keys?: KeyProvider | undefined;
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

/**
 * A queue of record batches on disk. Records go in one by one, are encoded straight into the open batch of their topic,
 * and are told `spooled` when the group that their batch was written with is on the disk. Batches come out in order, and
 * stay on the disk until they are settled. Knows nothing of Kafka but its batch format.
 *
 * In: `Intake` (open batches) · `Framing` (numbers them) · `GroupWriter` (makes them durable, in `Segments`). Out:
 * `ReplayReader` (from memory or disk) · `Outlet` (hands them out, and settles them). Beside: `Waiting` tells the devices,
 * `Ledger` counts.
 */
export class Spool {
  readonly #observer: SpoolObserver;
  readonly #lock: DirectoryLock;
  readonly #ledger: Ledger;
  readonly #segments: Segments;
  readonly #writer: GroupWriter;
  readonly #reader: ReplayReader;
  readonly #framing: Framing;
  readonly #intake: Intake;
  readonly #waiting: Waiting;
  readonly #outlet: Outlet;
  readonly #patience: ReadPatience;
  #closed = false;
  /** Why nothing more is taken, if so. */
  block: SpoolBlock | undefined;
  /** Told when records have become durable, or `block` has changed. Not from inside of `next`. */
  onChange: () => void = () => undefined;
  onPressure: (level: Pressure) => void = () => undefined;

  /**
   * Takes the directory (made when missing, mode 0700), cuts off a torn tail, and finds what is to be replayed.
   *
   * @throws {SpoolError} when another process has the directory, it cannot be used, or a key that it is encrypted under is
   * missing.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { settings, observer, keys, files = nodeFiles } = options;
    const { directory } = settings;
    const sealing = new SpoolSealing(keys, settings.encrypted ?? false);
    const startedAtMs = performance.now();
    const opened = await openDirectory(files, directory);
    const { segments, unreadable, torn } = opened.survey;
    const tornBytes = torn?.tornBytes ?? 0;
    const spool = await Spool.#over(options, opened, sealing);
    const { records, batches, bytes } = spool.depth();
    observer.opened({ directory, records, batches, bytes, tornBytes, durationMs: performance.now() - startedAtMs });
    for (const { name, damage } of segments) if (damage.length > 0) observer.damaged(name, damage);
    for (const { name, bytes: to } of unreadable)
      observer.damaged(name, [{ from: 0, to, firstFrame: 0, nextFrame: 0 }]);
    return spool;
  }

  static async #over(options: SpoolOptions, opened: OpenDirectory, sealing: SpoolSealing): Promise<Spool> {
    try {
      return new Spool(options, opened, sealing);
    } catch (error) {
      await opened.cursorFile.close();
      opened.lock.release();
      throw error;
    }
  }

  private constructor(options: SpoolOptions, opened: OpenDirectory, sealing: SpoolSealing) {
    const { lock, survey, cursorFile, cursor, kept } = opened;
    const { settings, limits, observer, files = nodeFiles, clocks } = options;
    this.#observer = observer;
    this.#lock = lock;
    const { wallMs = Date.now, monotonicMs = () => performance.now() } = clocks ?? {};
    this.#patience = new ReadPatience(monotonicMs);
    const clock = new SpoolClock({ wallMs, monotonicMs }, settings.maxAgeSeconds * 1000);
    this.#framing = new Framing(survey.nextFrame, () => clock.nowMs(), sealing.seals);
    this.#waiting = new Waiting(limits, observer, (level) => this.onPressure(level));
    this.#ledger = new Ledger(survey.segments);
    const { directory, segmentBytes } = settings;
    this.#segments = new Segments(files, directory, segmentBytes, survey.nextSegment, kept, sealing);
    for (const segment of survey.segments) this.#segments.adopt(segment);
    this.#writer = new GroupWriter({
      segments: this.#segments,
      cursorFile,
      cursor,
      maxBytes: settings.maxBytes,
      observer,
      sealDue: () => this.#intake.sealDue(this.#writer.pending.length > 0),
      isTooOld: () => this.#outlet.ageMs > settings.maxAgeSeconds * 1000,
      durable: (frame, segment, at) => this.#durable(frame, segment, at),
      changed: () => this.#changed(),
    });
    this.#reader = new ReplayReader({
      files,
      segments: this.#segments.list,
      pending: this.#writer.pending,
      nextFrame: cursor,
      damaged: (segment, range) => observer.damaged(segment.name, [range]),
      lost: (segment, records, frames) => {
        segment.damaged = true;
        this.#ledger.damaged(records, frames);
      },
    });
    this.#outlet = new Outlet({
      reader: this.#reader,
      patience: this.#patience,
      clock,
      ledger: this.#ledger,
      waiting: this.#waiting,
      observer,
      firstOwnFrame: survey.nextFrame,
      settledBefore: (frame, isIdle) => this.#writer.settledBefore(frame, isIdle),
      changed: () => this.#changed(),
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
    this.#outlet.pass(frame);
    return frame;
  }

  /**
   * The next batch for replay, to be settled with `recordSettled`; undefined when only open batches are left. `unreadable`:
   * the disk does not give it away now; to be asked again after `readRetryMs`.
   */
  next(): Frame | 'unreadable' | undefined {
    return this.#outlet.next();
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

  /** Whether an earlier process has spooled it. */
  isRecovered(frame: Frame): boolean {
    return this.#outlet.isRecovered(frame);
  }

  /** Kafka has settled one more record of a frame. Returns whether it was the last one. */
  recordSettled(frame: Frame): boolean {
    return this.#outlet.recordSettled(frame);
  }

  /** @param isBypassed true: nothing is expected to be put in soon, so no file is kept open for it. */
  bypass(isBypassed: boolean): void {
    this.#outlet.bypass(isBypassed);
  }

  /** Batches that have been handed out and are not settled. */
  get inFlight(): Pick<Flight, 'records' | 'span'> {
    return this.#outlet.flight;
  }

  get pressure(): Pressure {
    return this.#waiting.pressure;
  }

  depth(): SpoolDepth {
    const { records, batches } = this.#ledger;
    return { records, batches, bytes: this.#segments.bytes, ageMs: this.#outlet.ageMs };
  }

  /** Records that came in and went, and the topics of those found at the start. */
  get ledger(): Readonly<Ledger> {
    return this.#ledger;
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
    const ledger = this.#ledger;
    const unread = pending.filter(({ number }) => number >= this.#reader.nextFrame);
    const inSegments = this.#segments.list.reduce((sum, { unread }) => sum + unread.records, 0);
    const inMemory = unread.reduce((sum, { records }) => sum + records, 0);
    const waiting = pending.reduce((sum, frame) => sum + frame.waiting.length, 0);
    return [
      {
        name: 'spool_records',
        came: ledger.recoveredRecords + ledger.appendedRecords,
        went: ledger.settledRecords + ledger.damagedRecords,
        held: inSegments + inMemory + this.#outlet.flight.count(),
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
    this.#ledger.appended(frame);
    this.#writer.wake();
    return frame;
  }

  #durable(frame: Frame, segment: Segment, at: number): void {
    this.#reader.durable(frame, segment, at);
    this.#waiting.settle(frame, spooled);
  }

  #changed(): void {
    const block = this.#writer.block ?? (this.#patience.isFailing ? 'failing' : undefined);
    if (block !== this.block) {
      this.block = block;
      this.#observer.blockChanged(block);
    }
    this.onChange();
  }
}
