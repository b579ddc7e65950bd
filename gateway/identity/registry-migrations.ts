import type { DatabaseSync } from 'node:sqlite';

/** Notes that a row has changed, under a number that is higher than all before: what is read beside it as `revision`. */
const noteChange = (deviceId: string): string => `
  INSERT INTO device_changes (device_id, number)
  VALUES (${deviceId}, (SELECT coalesce(max(number), 0) + 1 FROM device_changes))
  ON CONFLICT (device_id) DO UPDATE SET number = excluded.number;`;

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
  // The changes outlive their devices: one that is registered again must not pass for the one that was removed.
  `ALTER TABLE devices ADD COLUMN group_names TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE devices ADD COLUMN certificate_fingerprint TEXT;
   CREATE TABLE device_changes (device_id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE) STRICT;
   CREATE TRIGGER device_updated AFTER UPDATE ON devices
   WHEN (OLD.device_id, OLD.kind, OLD.bound_to, OLD.secret_hash, OLD.enabled, OLD.group_names, OLD.certificate_fingerprint)
     IS NOT (NEW.device_id, NEW.kind, NEW.bound_to, NEW.secret_hash, NEW.enabled, NEW.group_names, NEW.certificate_fingerprint)
   BEGIN ${noteChange('OLD.device_id')} END;
   CREATE TRIGGER device_removed AFTER DELETE ON devices BEGIN ${noteChange('OLD.device_id')} END;`,
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
