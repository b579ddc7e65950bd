import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const lockFileName = 'lock';

/** Why a directory is not to be had: another process has it, or no lock can be taken in it, with the cause in words. */
export type LockRefusal = { readonly isTaken: true } | { readonly isTaken: false; readonly reason: string };

/**
 * One process per directory. Node has no flock, but SQLite takes a lock of the operating system, and that is what this
 * empty database file is for: the kernel lets go of it when the process ends, however it ends, so that nothing is left to
 * be judged after `kill -9` (a file with a process id would be misread where ids are reused, as in containers).
 */
export class DirectoryLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * @param errorOf what to throw when the directory is not to be had.
   * @throws what `errorOf` returns.
   */
  static take(directory: string, errorOf: (refusal: LockRefusal, cause: unknown) => Error): DirectoryLock {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(join(directory, lockFileName));
      database.exec('BEGIN EXCLUSIVE');
      return new DirectoryLock(database);
    } catch (error) {
      database?.close();
      throw errorOf(refusalOf(error), error);
    }
  }

  release(): void {
    this.#database.close();
  }
}

const sqliteBusy = 5;

function refusalOf(error: unknown): LockRefusal {
  if ((error as { errcode?: number }).errcode === sqliteBusy) return { isTaken: true };
  return { isTaken: false, reason: error instanceof Error ? error.message : String(error) };
}
