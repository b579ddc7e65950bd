import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DeviceKind } from '../core/identity.ts';

/** A device of an import, before its secret is hashed. */
export interface StagedDevice {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly boundTo: string;
  /** Undefined: one is generated. */
  readonly secret: string | undefined;
  readonly enabled: boolean;
}

/** A staged device whose secret still has to be hashed. */
export interface Unhashed {
  readonly row: number;
  readonly deviceId: string;
  readonly secret: string | undefined;
}

/**
 * An import that waits in a temporary table, in memory and seen by this connection alone. Hashing thousands of secrets
 * takes minutes; meanwhile the registry is not locked and holds none of them, and an import that fails leaves nothing.
 */
export class StagedImport implements Disposable {
  readonly #database: DatabaseSync;
  readonly #guard: <Result>(work: () => Result) => Result;
  readonly #stage: StatementSync;
  readonly #isTaken: StatementSync;
  readonly #unhashed: StatementSync;
  readonly #setHash: StatementSync;

  constructor(database: DatabaseSync, guard: <Result>(work: () => Result) => Result) {
    this.#database = database;
    this.#guard = guard;
    database.exec(`CREATE TEMP TABLE staged (
      row INTEGER PRIMARY KEY, device_id TEXT UNIQUE, kind TEXT, bound_to TEXT, secret TEXT, secret_hash TEXT, enabled INTEGER
    )`);
    this.#stage = database.prepare(
      'INSERT INTO staged (device_id, kind, bound_to, secret, enabled) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#isTaken = database.prepare('SELECT 1 FROM devices WHERE device_id = ?');
    this.#unhashed = database.prepare(
      'SELECT row, device_id, secret FROM staged WHERE row > ? AND secret_hash IS NULL ORDER BY row LIMIT ?',
    );
    this.#setHash = database.prepare('UPDATE staged SET secret_hash = ?, secret = NULL WHERE row = ?');
  }

  /** `registered`: the registry has this id. `repeated`: the import itself has it twice. */
  stage({ deviceId, kind, boundTo, secret, enabled }: StagedDevice): 'staged' | 'registered' | 'repeated' {
    return this.#guard(() => {
      if (this.#isTaken.get(deviceId) !== undefined) return 'registered';
      const { changes } = this.#stage.run(deviceId, kind, boundTo, secret ?? null, enabled ? 1 : 0);
      return changes === 1 ? 'staged' : 'repeated';
    });
  }

  /** Up to `limit` devices behind `afterRow` whose secrets are to be hashed. */
  unhashed(afterRow: number, limit: number): Unhashed[] {
    return this.#guard(() =>
      this.#unhashed.all(afterRow, limit).map((row) => ({
        row: Number(row.row),
        deviceId: String(row.device_id),
        secret: row.secret === null ? undefined : String(row.secret),
      })),
    );
  }

  setHash(row: number, secretHash: string): void {
    this.#guard(() => this.#setHash.run(secretHash, row));
  }

  /**
   * Adds all staged devices in one transaction.
   *
   * @returns how many, or the ids (some of them) that somebody else has registered since they were staged.
   */
  commit(createdAtMs: number): number | readonly string[] {
    return this.#guard(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const taken = this.#database
          .prepare('SELECT device_id FROM staged WHERE device_id IN (SELECT device_id FROM devices) LIMIT 20')
          .all();
        const { changes } = taken.length > 0 ? { changes: 0 } : this.#insert(createdAtMs);
        this.#database.exec('COMMIT');
        return taken.length > 0 ? taken.map((row) => String(row.device_id)) : Number(changes);
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    this.#guard(() => this.#database.exec('DROP TABLE temp.staged'));
  }

  #insert(createdAtMs: number) {
    return this.#database
      .prepare(
        `INSERT INTO devices (device_id, kind, bound_to, secret_hash, enabled, created_at_ms)
         SELECT device_id, kind, bound_to, secret_hash, enabled, ? FROM staged ORDER BY device_id`,
      )
      .run(createdAtMs);
  }
}
