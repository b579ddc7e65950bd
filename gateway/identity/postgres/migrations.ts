import type { ClientBase } from 'pg';
import { DeviceRegistryError } from '../registry-error.ts';

/** The channel on which changes are told; what is told is `NUMBER DEVICE_ID`. */
export const changeChannel = 'edge_device_changed';

/** One key for all that migrate: PostgreSQL keeps those locks per database. */
const lockKey = 0x65_64_67_65;
/** Migrating waits for whoever is migrating. */
export const migrationTimeoutMs = 60_000;

/** Step i brings a database from version i to i + 1. Steps are only ever added. */
const migrations: readonly string[] = [
  // The collation makes the order of ids the same as in SQLite and in this program. The changes outlive their devices:
  // one that is registered again must not pass for the one that was removed.
  `CREATE TABLE edge_devices (
     device_id text COLLATE "C" PRIMARY KEY,
     kind text NOT NULL CHECK (kind IN ('vehicle', 'bay')),
     bound_to text NOT NULL,
     secret_hash text NOT NULL,
     enabled boolean NOT NULL,
     created_at_ms bigint NOT NULL,
     rotated_at_ms bigint,
     group_names text[] NOT NULL DEFAULT '{}',
     certificate_fingerprint text
   );
   CREATE SEQUENCE edge_device_change_numbers;
   CREATE TABLE edge_device_changes (
     device_id text COLLATE "C" PRIMARY KEY,
     number bigint NOT NULL
   );
   CREATE INDEX edge_device_changes_number ON edge_device_changes (number);
   CREATE FUNCTION edge_note_device_change() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE
     noted bigint := nextval('edge_device_change_numbers');
   BEGIN
     INSERT INTO edge_device_changes (device_id, number) VALUES (OLD.device_id, noted)
     ON CONFLICT (device_id) DO UPDATE SET number = excluded.number;
     PERFORM pg_notify('${changeChannel}', noted || ' ' || OLD.device_id);
     RETURN NULL;
   END $$;
   CREATE TRIGGER edge_device_updated AFTER UPDATE ON edge_devices FOR EACH ROW
     WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION edge_note_device_change();
   CREATE TRIGGER edge_device_removed AFTER DELETE ON edge_devices FOR EACH ROW
     EXECUTE FUNCTION edge_note_device_change();`,
];

/**
 * Brings the tables to the current version, in one transaction, under a lock: many may start at once. Who finds them
 * current needs no privilege to change them.
 *
 * @param client whose statements may take `migrationTimeoutMs`.
 * @param make whether to make tables where there are none.
 * @throws {DeviceRegistryError} `registry_too_new` (nothing is changed), `registry_missing`; whatever the library throws.
 */
export async function migratePostgres(client: ClientBase, name: string, make: boolean): Promise<void> {
  const found = await versionOf(client);
  if (found === migrations.length) return;
  if (found === 0 && !make) {
    const message = `device registry ${name}: this database holds none; devices add or import makes one`;
    throw new DeviceRegistryError('registry_missing', message);
  }
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
    await migrateLocked(client, name);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** The version counts only once the lock is held. */
async function migrateLocked(client: ClientBase, name: string): Promise<void> {
  const version = await versionOf(client);
  if (version > migrations.length) {
    const message = `device registry ${name}: version ${version} is newer than this program`;
    throw new DeviceRegistryError('registry_too_new', message);
  }
  if (version === 0) await client.query('CREATE TABLE edge_device_registry (version integer NOT NULL)');
  for (const step of migrations.slice(version)) await client.query(step);
  await client.query('DELETE FROM edge_device_registry');
  await client.query('INSERT INTO edge_device_registry (version) VALUES ($1)', [migrations.length]);
}

async function versionOf(client: ClientBase): Promise<number> {
  // Not by `to_regclass`: within a transaction that remembers what was so before it waited for the lock.
  const { rows: tables } = await client.query(
    "SELECT FROM pg_class WHERE relname = 'edge_device_registry' AND pg_table_is_visible(oid)",
  );
  if (tables.length === 0) return 0;
  const { rows } = await client.query<{ version: number }>('SELECT version FROM edge_device_registry');
  return rows[0]?.version ?? 0;
}
