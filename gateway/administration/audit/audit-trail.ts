import type { AdministrationObserver } from '../observer.ts';
import { type AttemptedChange, Attempts } from './attempts.ts';
import type { AuditWriter } from './audit-file.ts';
import type { AuditDetail, AuditEntry, AuditOutcome, ChainedRecord } from './audit-record.ts';
import { type CountedDenials, Denials, sourceOf } from './denials.ts';

export interface AuditTrailOptions {
  readonly file: AuditWriter;
  /** Undefined where records go to no Kafka topic. */
  readonly topic?: { send(record: ChainedRecord): void } | undefined;
  /** Denied requests of one address per minute that are recorded one by one. */
  readonly denialsPerMinute: number;
  readonly observer: AdministrationObserver;
  readonly now: () => number;
}

/** A change that may be made: its attempt is on record, and on the disk. */
export interface Attempt {
  /** Writes how it ended. Never rejects: the record of the attempt tells of it in any case. */
  ended(outcome: AuditOutcome, status: number, detail: AuditDetail): Promise<void>;
}

const perMinuteOverall = 600;
const maxSources = 10_000;
/** How often denials that were only counted get their record. */
const countedEveryMs = 60_000;

/** The records of what was done here, and by whom: to the file, and from there to Kafka where that is configured. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #denials: Denials;
  readonly #attempts = new Attempts();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#denials = new Denials({ perMinute: options.denialsPerMinute, perMinuteOverall, maxSources });
  }

  start(): void {
    this.#timer = setInterval(() => void this.writeCounted(), countedEveryMs);
    this.#timer.unref();
  }

  /** Writes what was counted and not recorded yet. The file is its owner's to close. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.writeCounted();
  }

  /**
   * Writes that a change is about to be made, and has it on the disk.
   *
   * @returns undefined when none may be made any more: see `settle`.
   * @throws {AdministrationError} when it is not there: the change must not be made.
   */
  async attempt(entry: AttemptedChange): Promise<Attempt | undefined> {
    const { requestId } = entry;
    if (!this.#attempts.begin(entry)) return undefined;
    try {
      await this.record({ ...entry, outcome: 'attempted' });
    } catch (error) {
      this.#attempts.ended(requestId);
      throw error;
    }
    if (!this.#attempts.has(requestId)) return undefined;
    return {
      ended: async (outcome, status, detail) => {
        if (!this.#attempts.ending(requestId)) return;
        await this.record({ ...entry, outcome, status, detail }).catch(() => {});
        this.#attempts.ended(requestId);
      },
    };
  }

  /**
   * Lets no change begin any more, and waits for those that have begun. Of those that take longer it is written that nobody
   * knows how they end.
   */
  async settle(deadlineMs: number): Promise<void> {
    const left = await this.#attempts.close(deadlineMs);
    for (const entry of left) await this.record({ ...entry, outcome: 'unknown' }).catch(() => {});
  }

  /**
   * Writes a record of a change, and has it on the disk.
   *
   * @throws {AdministrationError} when it is not there: the change must not be made.
   */
  async record(entry: AuditEntry): Promise<void> {
    await this.#append(entry, true);
  }

  /**
   * Writes a record of somebody who was not let, or counts him: see `Denials`. Never rejects; he is not let in any case.
   *
   * @returns whether his share of records is not used up.
   */
  async denied(entry: AuditEntry): Promise<boolean> {
    if (!this.#denials.take(sourceOf(entry.remoteAddress), this.#options.now())) return false;
    await this.#append(entry, false).catch(() => {});
    return true;
  }

  async writeCounted(): Promise<void> {
    for (const counted of this.#denials.drain()) await this.#append(entryOf(counted), false).catch(() => {});
  }

  async #append(entry: AuditEntry, durable: boolean): Promise<void> {
    const { file, topic, observer } = this.#options;
    try {
      const record = await file.append(entry, durable);
      observer.auditWritten(entry.outcome);
      topic?.send(record);
    } catch (error) {
      observer.auditFailed(error);
      throw error;
    }
  }
}

const entryOf = ({ source, count }: CountedDenials): AuditEntry => ({
  requestId: '',
  actor: undefined,
  remoteAddress: source,
  action: 'request.denied_often',
  target: '',
  outcome: 'denied',
  detail: { requests: count },
});
