import { AlreadyThere } from '../record-log/already-there.ts';
import { type Cluster, readUncommitted } from '../record-log/cluster.ts';
import { RecordLogError } from '../record-log/errors.ts';
import { fingerprint } from '../record-log/fingerprint.ts';
import { type BatchInRange, LogReader } from '../record-log/log-reader.ts';
import { offsetsOf } from '../record-log/offsets.ts';
import type { LogRecord } from '../record-log/record-batch.ts';
import type { RecordWriter } from '../record-log/record-writer.ts';
import { recordsIn } from '../record-log/records-in.ts';
import type { Reporter } from '../record-log/reporter.ts';
import type { Counts, Progress } from './progress-file.ts';
import { asMap, asObject } from './span.ts';

export interface CopyOptions {
  readonly cluster: Cluster;
  /** Undefined: count only. */
  readonly writer: RecordWriter | undefined;
  /** Where to begin. */
  readonly progress: Progress;
  /** An earlier command may have written more than it could note down. */
  readonly resumed: boolean;
  /** Notes down how far it is, durably. */
  readonly save: (progress: Progress) => Promise<void>;
  readonly stopping: AbortSignal;
  readonly reporter: Reporter;
}

/** What is between two notes is what a command that goes on after a crash must look for. */
const roundRecords = 10_000;
const roundMs = 1000;

/**
 * Copies in rounds. At the end of each, everything read is settled, and how far both topics are is noted down; so whatever a
 * killed command wrote after its last note lies behind the ends in that note, and is found there by its content.
 */
export class Copy {
  readonly #options: CopyOptions;
  readonly #next: Map<number, number>;
  readonly #vehicles: readonly Buffer[];
  readonly #there = new AlreadyThere();
  readonly #reader: LogReader;
  readonly #expiredBefore: number;
  readonly counts: Counts;
  #inRound = 0;
  #roundEndsAtMs = performance.now() + roundMs;
  #refused: string | undefined;

  constructor(options: CopyOptions) {
    const { progress, cluster } = options;
    this.#options = options;
    this.counts = { ...progress.counts };
    this.#expiredBefore = progress.counts.expired;
    this.#next = asMap(progress.next);
    this.#vehicles = progress.job.vehicles.map((vehicle) => Buffer.from(vehicle));
    const ends = asMap(progress.ends);
    const ranges = new Map(
      [...this.#next].map(([partition, from]) => [partition, { from, end: ends.get(partition) ?? 0 }]),
    );
    this.#reader = new LogReader({ cluster, topic: progress.job.topic, ranges });
  }

  /** @returns whether it came to the end; false: it was stopped. @throws {RecordLogError} */
  async run(): Promise<boolean> {
    const { stopping } = this.#options;
    await this.#findCopies();
    for await (const batch of this.#reader.batches()) {
      this.#next.set(batch.partition, await this.#take(batch));
      if (stopping.aborted) break;
      if (this.#inRound >= roundRecords || performance.now() >= this.#roundEndsAtMs) await this.#endRound();
      this.#report();
    }
    await this.#endRound();
    return !stopping.aborted;
  }

  async #findCopies(): Promise<void> {
    const { cluster, progress, resumed, writer, reporter } = this.#options;
    if (!resumed || writer === undefined) return;
    reporter.say(`looking in ${progress.job.toTopic} for what was copied after the last note`);
    await this.#there.read(cluster, progress.job.toTopic, asMap(progress.destination), fingerprint);
  }

  /** Returns the offset to go on with. */
  async #take(batch: BatchInRange): Promise<number> {
    const { progress, writer, stopping } = this.#options;
    const end = Math.min(batch.batch.lastOffset + 1, batch.range.end);
    // Nothing in it is as late as that; not even unpacked.
    if (batch.batch.maxTimestampMs < progress.fromMs) return end;
    for (const record of recordsIn(progress.job.topic, batch)) {
      if (!this.#matches(record)) continue;
      this.counts.matched += 1;
      this.#inRound += 1;
      if (writer === undefined) continue;
      if (this.#there.take(fingerprint(record))) {
        this.counts.alreadyThere += 1;
        continue;
      }
      await writer.write(progress.job.toTopic, record, (refusal) => {
        if (refusal === undefined) this.counts.copied += 1;
        else this.#refused ??= `${record.partition}:${record.offset}: ${refusal.reason}: ${refusal.detail}`;
      });
      if (this.#refused !== undefined) await this.#endRound();
      // A slow rate can make a batch last for minutes.
      if (stopping.aborted) return record.offset + 1;
    }
    return end;
  }

  #matches({ timestampMs, key }: LogRecord): boolean {
    const { fromMs, toMs } = this.#options.progress;
    if (timestampMs < fromMs || timestampMs >= toMs) return false;
    return this.#vehicles.length === 0 || this.#vehicles.some((vehicle) => key !== null && vehicle.equals(key));
  }

  async #endRound(): Promise<void> {
    const { cluster, writer, progress, save } = this.#options;
    await writer?.settle();
    this.counts.expired = this.#expiredBefore + this.#reader.expired;
    if (this.#refused !== undefined) {
      // Not noted down: what was behind it may be on Kafka, and is found there when the command goes on.
      throw new RecordLogError('refused', `${progress.job.toTopic} does not take record ${this.#refused}`);
    }
    if (writer !== undefined) {
      const destination = asObject(await offsetsOf(cluster, progress.job.toTopic, 'latest', readUncommitted));
      await save({ ...progress, next: asObject(this.#next), destination, counts: this.counts });
    }
    this.#inRound = 0;
    this.#roundEndsAtMs = performance.now() + roundMs;
  }

  #report(): void {
    const { reporter, progress } = this.#options;
    reporter.progress(() => {
      const sum = (offsets: Iterable<number>) => [...offsets].reduce((total, offset) => total + offset, 0);
      const start = sum(asMap(progress.starts).values());
      const inAll = sum(asMap(progress.ends).values()) - start;
      const read = sum(this.#next.values()) - start;
      const { matched, copied } = this.counts;
      return `${read} of ${inAll} read (${Math.floor((100 * read) / Math.max(1, inAll))} %), ${matched} match, ${copied} copied`;
    });
  }
}
