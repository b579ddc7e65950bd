import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AdministrationError, textOf } from '../administration-error.ts';
import {
  type AuditEntry,
  type ChainedRecord,
  chained,
  noHash,
  resumedAction,
  sha256,
  startedAction,
} from './audit-record.ts';
import { readChainEnd } from './chain-end.ts';

/** Takes audit entries; resolves when they are where they should be. */
export interface AuditWriter {
  /**
   * @param durable whether it must be on the disk: a change may be made only then.
   * @throws {AdministrationError} when it could not be written.
   */
  append(entry: AuditEntry, durable: boolean): Promise<ChainedRecord>;
}

/** Records that may wait for the disk. */
const mostPending = 1000;
/** Appended to, never followed through a link that somebody has put in its place. */
const flags = constants.O_CREAT | constants.O_APPEND | constants.O_RDWR | constants.O_NOFOLLOW;

/**
 * The audit file: a line of JSON for each record, only ever appended to, readable by its owner only. Each record holds the
 * hash of the one before it. One process writes to it: see `DirectoryLock`.
 *
 * A record has its place in the chain when its turn to be written has come. What could not be written whole leaves a line
 * that is no record; the next write ends that line, and says in a record of its own what was found there.
 */
export class AuditFile implements AuditWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #now: () => number;
  #chain: string = randomUUID();
  #seq = 0;
  #prev = noHash;
  /** The last write has failed: nobody knows what of it is in the file. */
  #isTorn = false;
  #pending = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle, now: () => number) {
    this.#path = path;
    this.#file = file;
    this.#now = now;
  }

  /**
   * Opens the file and continues its chain; makes it when missing.
   *
   * @throws {AdministrationError}
   */
  static async open(path: string, now: () => number = Date.now): Promise<AuditFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, flags, 0o600);
      const audit = new AuditFile(path, file, now);
      await audit.#resume();
      return audit;
    } catch (error) {
      await file?.close();
      if (error instanceof AdministrationError) throw error;
      throw new AdministrationError('audit_unopenable', `audit file ${path}: ${textOf(error)}`, error);
    }
  }

  /** Records that wait for the disk. */
  get pending(): number {
    return this.#pending;
  }

  /** One after the other: each needs the hash of the one before it. */
  append(entry: AuditEntry, durable: boolean): Promise<ChainedRecord> {
    if (this.#pending >= mostPending) {
      const message = `audit file ${this.#path}: ${mostPending} records wait for the disk, no more are taken`;
      return Promise.reject(new AdministrationError('audit_overloaded', message));
    }
    this.#pending += 1;
    const written = this.#turn
      .then(() => this.#write(entry, durable))
      .finally(() => {
        this.#pending -= 1;
      });
    this.#turn = written.catch(() => {});
    return written;
  }

  /** When all that was given to it is written. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  async #write(entry: AuditEntry, durable: boolean): Promise<ChainedRecord> {
    try {
      if (this.#isTorn) await this.#resume();
      return await this.#appendNext(entry, durable);
    } catch (error) {
      this.#isTorn = true;
      if (error instanceof AdministrationError) throw error;
      throw new AdministrationError('audit_failed', `audit file ${this.#path}: ${textOf(error)}`, error);
    }
  }

  async #appendNext(entry: AuditEntry, durable: boolean, before = ''): Promise<ChainedRecord> {
    const position = { chain: this.#chain, seq: this.#seq + 1, prev: this.#prev };
    const record = chained(entry, position, this.#now());
    await this.#file.appendFile(`${before}${record.line}\n`);
    if (durable) await this.#file.datasync();
    this.#seq = record.seq;
    this.#prev = record.hash;
    return record;
  }

  /** Finds the end of the chain in the file, and writes down where there is anything to be said about it. */
  async #resume(): Promise<void> {
    const end = await readChainEnd(this.#file, this.#path);
    if (end === undefined) {
      await this.#appendNext(about(startedAction, this.#path), true);
    } else {
      this.#chain = end.chain;
      this.#seq = end.seq;
      this.#prev = end.hash;
      const before = end.endsWithBreak ? '' : '\n';
      if (end.torn.length > 0) {
        const detail = { tornBytes: end.torn.length, tornSha256: sha256(end.torn) };
        await this.#appendNext({ ...about(resumedAction, this.#path), detail }, true, before);
      } else if (before !== '') {
        await this.#file.appendFile(before);
      }
    }
    this.#isTorn = false;
  }
}

const about = (action: string, path: string): AuditEntry => ({
  requestId: '',
  actor: undefined,
  remoteAddress: '',
  action,
  target: path,
  outcome: 'noted',
});
