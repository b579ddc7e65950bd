import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SpoolError } from './errors.ts';

export const lockFileName = 'lock';

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

  /** @throws {SpoolError} `spool_in_use` or `spool_directory_unusable` */
  static take(directory: string): DirectoryLock {
    const path = join(directory, lockFileName);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      database.exec('BEGIN EXCLUSIVE');
      return new DirectoryLock(database);
    } catch (error) {
      database?.close();
      throw asSpoolError(error, directory);
    }
  }

  release(): void {
    this.#database.close();
  }
}

const sqliteBusy = 5;

function asSpoolError(error: unknown, directory: string): SpoolError {
  if ((error as { errcode?: number }).errcode === sqliteBusy) {
    return new SpoolError(
      'spool_in_use',
      `spool ${directory}: another process works with it; end it, or choose another`,
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new SpoolError('spool_directory_unusable', `spool ${directory}: cannot be locked: ${reason}`, error);
}
