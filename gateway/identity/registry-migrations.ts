import type { DatabaseSync } from 'node:sqlite';

/** Step i brings a database from `user_version` i to i + 1. Steps are only ever added. */
const migrations: readonly string[] = [
  `CREATE TABLE devices (
     device_id TEXT PRIMARY KEY,
     kind TEXT NOT NULL CHECK (kind IN ('vehicle', 'bay')),
     bound_to TEXT NOT NULL,
     secret_hash TEXT NOT NULL,
     enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
     created_at_ms INTEGER NOT NULL,
     rotated_at_ms INTEGER
   ) STRICT`,
];

const userVersion = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);

/**
 * Brings the database to the current version, in one transaction.
 *
 * @returns the version found when it is newer than this program knows; nothing is changed then.
 */
export function migrate(database: DatabaseSync): { readonly tooNew: number } | undefined {
  if (userVersion(database) === migrations.length) return undefined;
  // Another process may be migrating the same file: the version counts only once the write lock is held.
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = userVersion(database);
    for (const step of migrations.slice(version)) database.exec(step);
    if (version < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
    return version > migrations.length ? { tooNew: version } : undefined;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
