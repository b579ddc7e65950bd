import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyProvider } from '../../../gateway/core/data-keys.ts';
import { delivered, type Outcome, unanswered } from '../../../gateway/core/outcome.ts';
import type { Settleable } from '../../../gateway/core/publish.ts';
import type { HeldBatch, Pressure, RecordEncoder } from '../../../gateway/core/record-sink.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { type FileLayer, nodeFiles, type SpoolFile } from '../../../gateway/spool/file-layer.ts';
import type { SpoolObserver } from '../../../gateway/spool/observer.ts';
import type { BacklogSealing, SpoolTarget } from '../../../gateway/spool/replay.ts';
import type { BatchLimits, SpoolSettings } from '../../../gateway/spool/settings.ts';
import { Spool } from '../../../gateway/spool/spool.ts';
import type { Clocks } from '../../../gateway/spool/spool-clock.ts';
import { SpooledSink } from '../../../gateway/spool/spooled-sink.ts';
import { textEncoder } from '../kafka/recording.ts';

export const limits: BatchLimits = {
  maxBatchBytes: 64 * 1024,
  maxBatchRecords: 100,
  softRecords: 10_000,
  hardRecords: 20_000,
  softBytes: 8 * 1024 * 1024,
  hardBytes: 16 * 1024 * 1024,
};

export const settingsFor = (directory: string, changes: Partial<SpoolSettings> = {}): SpoolSettings => ({
  mode: 'outage',
  directory,
  afterMs: 200,
  lingerMs: 1,
  segmentBytes: 8 * 1024,
  maxBytes: 16 * 1024 * 1024,
  maxAgeSeconds: 3600,
  replayMaxRecords: 5000,
  replayMaxBytes: 4 * 1024 * 1024,
  ...changes,
});

/** A directory of its own that does not outlive the test. */
export class TestDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TestDirectory> {
    return new TestDirectory(join(await mkdtemp(join(tmpdir(), 'spool-test-')), 'spool'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.path, '..'), { recursive: true, force: true });
  }
}

export type SpoolEvent = { readonly name: keyof SpoolObserver; readonly args: readonly unknown[] };

/** Writes down what the spool reports. */
export class RecordingSpoolObserver {
  readonly events: SpoolEvent[] = [];
  readonly observer: SpoolObserver = new Proxy({} as SpoolObserver, {
    get:
      (_, name) =>
      (...args: unknown[]) => {
        this.events.push({ name: name as keyof SpoolObserver, args });
      },
  });

  of(name: keyof SpoolObserver): (readonly unknown[])[] {
    return this.events.filter((event) => event.name === name).map(({ args }) => args);
  }

  get states(): unknown[] {
    return this.of('stateChanged').map(([state]) => state);
  }
}

export interface Appended {
  readonly topic: string;
  readonly key: string;
  readonly timestampMs: number;
  readonly value: string;
  /** The value as it is. */
  readonly bytes: Buffer;
  readonly headers: string;
  settleable: Settleable;
  readonly atMs: number;
  isHandedOver: boolean;
}

/** Stands in for the producer: one lane that "Kafka" takes from when the test says so. */
export class FakeTarget implements SpoolTarget {
  pressure: Pressure = 0;
  isUp = true;
  /** Values of the records that Kafka refuses for good. */
  readonly refused = new Set<string>();
  /** It refuses every record that has a date, letters too. */
  refusesDates = false;
  /** Records of a partition whose leader does not answer. */
  isStuck: (record: { readonly topic: string; readonly key: string }) => boolean = () => false;
  readonly held: Appended[] = [];
  /** What "Kafka" has, in its order. */
  readonly log: Appended[] = [];
  handOvers = 0;

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const target = Buffer.alloc(limits.maxBatchBytes);
    const valueEnd = encoder.writeValue(event, target, 0);
    const end = valueEnd < 0 ? -1 : encoder.writeHeaders(event, target, valueEnd);
    if (end < 0) return false;
    const bytes = target.subarray(0, valueEnd);
    const value = bytes.toString();
    const headers = target.toString('latin1', valueEnd, end);
    const atMs = performance.now();
    this.held.push({ topic, key, timestampMs, value, bytes, headers, settleable, atMs, isHandedOver: false });
    setImmediate(() => {
      if (this.isUp) this.deliver();
    });
    return true;
  }

  handOver(take: (batch: HeldBatch) => readonly Settleable[]): void {
    this.handOvers += 1;
    const mine = this.held.filter(({ isHandedOver }) => !isHandedOver);
    for (const topic of new Set(mine.map((record) => record.topic))) {
      const records = mine.filter((record) => record.topic === topic);
      const batch = new OpenBatch(new BufferPool(limits.maxBatchBytes * 16, 0));
      for (const { key, timestampMs, value, settleable } of records) {
        const bytes = Buffer.from(key);
        batch.append(bytes, bytes.length, timestampMs, textEncoder, value, settleable);
      }
      const { bytes, rawBytes, settleables } = batch.seal();
      const receipts = take({ topic, bytes, rawBytes, settleables });
      records.forEach((record, index) => {
        record.settleable = receipts[index] as Settleable;
        record.isHandedOver = true;
      });
    }
  }

  get handedOver(): number {
    return this.held.filter(({ isHandedOver }) => isHandedOver).length;
  }

  stats() {
    const own = this.held.filter(({ isHandedOver }) => !isHandedOver);
    const oldest = own[0];
    return {
      unsettledRecords: own.length,
      oldestUnsettledMs: oldest === undefined ? 0 : performance.now() - oldest.atMs,
    };
  }

  /** "Kafka" takes the first records, all by default; those that are stuck stay. */
  deliver(count = this.held.length): void {
    const first = this.held.splice(0, count);
    this.held.unshift(...first.filter((record) => this.isStuck(record)));
    for (const record of first) {
      if (this.isStuck(record)) continue;
      const isRefusedDate = this.refusesDates && record.timestampMs >= 0;
      const isRefused = isRefusedDate || (this.refused.has(record.value) && record.topic !== 'dlq');
      if (!isRefused) this.log.push(record);
      const outcome: Outcome = isRefused
        ? { kind: 'rejected', rejection: { reason: 'refused_by_kafka', detail: 'INVALID_RECORD' } }
        : delivered;
      record.settleable.settleRecord(outcome);
    }
  }

  goDown(): void {
    this.isUp = false;
  }

  comeBack(): void {
    this.isUp = true;
    this.deliver();
  }

  /** As the producer does when it is closed. */
  close(): void {
    for (const { settleable } of this.held.splice(0)) settleable.settleRecord(unanswered);
  }

  values(topic = 'events'): string[] {
    return this.log.filter((record) => record.topic === topic).map(({ value }) => value);
  }
}

export interface Assembly {
  readonly spool: Spool;
  readonly sink: SpooledSink;
  readonly recording: RecordingSpoolObserver;
  readonly close: () => Promise<void>;
}

/** A spool and its sink, with `target` attached when there is one. */
export async function assemble(
  settings: SpoolSettings,
  target?: SpoolTarget,
  options: {
    files?: FileLayer;
    clocks?: Partial<Clocks>;
    limits?: BatchLimits;
    keys?: KeyProvider;
    sealing?: BacklogSealing;
  } = {},
): Promise<Assembly> {
  const recording = new RecordingSpoolObserver();
  const { observer } = recording;
  const { sealing, ...others } = options;
  const spool = await Spool.open({ settings, limits, observer, ...others });
  const sink = new SpooledSink({
    spool,
    settings,
    deadLetterTopic: 'dlq',
    origin: { source: '/gateway' },
    observer,
    sealing,
    target,
  });
  return { spool, sink, recording, close: () => sink.close() };
}

/** Real files whose writes, fsyncs, creations and reads fail while the test says so. */
export class FaultyFiles implements FileLayer {
  failWrite: string | undefined;
  failSync: string | undefined;
  failOpen: string | undefined;
  /** Pages of 4 KiB, by the end of a file's path, that the disk does not give away. */
  lostPages: { readonly name: string; readonly at: number }[] = [];
  failRead = 'EIO';
  /** Bytes that the disk still takes; then ENOSPC, after a part has been written. */
  freeBytes = Number.POSITIVE_INFINITY;
  syncs = 0;
  readonly #files = nodeFiles;

  makeDirectory = (path: string) => this.#files.makeDirectory(path);
  syncDirectory = (path: string) => this.#files.syncDirectory(path);
  list = (path: string) => this.#files.list(path);
  size = (path: string) => this.#files.size(path);
  async read(path: string): Promise<Buffer> {
    const bytes = await this.#files.read(path);
    this.#checkPages(path, 0, bytes.length);
    return bytes;
  }
  readInto = (path: string, target: Buffer, position: number) => {
    this.#checkPages(path, position, position + target.length);
    return this.#files.readInto(path, target, position);
  };
  #checkPages(path: string, from: number, to: number): void {
    const isLost = this.lostPages.some(({ name, at }) => path.endsWith(name) && at < to && from < at + 4096);
    if (isLost) throw systemError(this.failRead, 'read');
  }
  remove = (path: string) => this.#files.remove(path);
  rename = (from: string, to: string) => this.#files.rename(from, to);

  async openForWriting(path: string, existing: 'refuse' | 'keep'): Promise<SpoolFile> {
    if (this.failOpen !== undefined) throw systemError(this.failOpen, 'open');
    const file = await this.#files.openForWriting(path, existing);
    let unsynced: number | undefined;
    return {
      write: async (buffers, position) => {
        if (this.failWrite !== undefined) throw systemError(this.failWrite, 'write');
        const bytes = Buffer.concat(buffers);
        unsynced ??= position;
        const fits = bytes.subarray(0, Math.min(bytes.length, this.freeBytes));
        this.freeBytes -= fits.length;
        if (fits.length > 0) await file.write([fits], position);
        if (fits.length < bytes.length) throw systemError('ENOSPC', 'write');
      },
      sync: async () => {
        this.syncs += 1;
        if (this.failSync !== undefined) {
          // A kernel forgets what it could not write.
          if (unsynced !== undefined) await file.truncate(unsynced);
          unsynced = undefined;
          throw systemError(this.failSync, 'fsync');
        }
        unsynced = undefined;
        await file.sync();
      },
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  }
}

function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
