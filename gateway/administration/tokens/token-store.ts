import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { AdministrationError, textOf } from '../administration-error.ts';
import { isScope } from '../scopes.ts';
import type { StoredToken } from './token.ts';

const version = 1;
const tables = `CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('read', 'operate', 'admin')),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT`;

/**
 * The tokens of administration, in an SQLite file of their own. The gateway reads the row at each request, so that a
 * revocation counts from the next one on; the command writes. Rows are never deleted: who had what is part of the record.
 *
 * Every method throws an `AdministrationError` when the file fails.
 */
export class TokenStore {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#find = database.prepare('SELECT * FROM tokens WHERE id = ?');
  }

  /** Opens the file; makes it when missing, readable by its owner only, and without a token in it. */
  static open(path: string, { busyTimeoutMs }: { readonly busyTimeoutMs: number }): TokenStore {
    let database: DatabaseSync | undefined;
    try {
      if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
      database = new DatabaseSync(path, { timeout: busyTimeoutMs });
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      prepareTables(path, database);
      return new TokenStore(path, database);
    } catch (error) {
      database?.close();
      if (error instanceof AdministrationError) throw error;
      throw new AdministrationError('tokens_unopenable', `tokens ${path}: ${textOf(error)}`, error);
    }
  }

  add({ id, name, scope, hash, createdAtMs, expiresAtMs }: StoredToken): void {
    this.#guard(() =>
      this.#database
        .prepare('INSERT INTO tokens (id, name, scope, hash, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?, ?)')
        .run(id, name, scope, hash, createdAtMs, expiresAtMs),
    );
  }

  find(id: string): StoredToken | undefined {
    return this.#guard(() => {
      const row = this.#find.get(id);
      return row === undefined ? undefined : toToken(row);
    });
  }

  /** All of them, oldest first. */
  list(): StoredToken[] {
    return this.#guard(() =>
      this.#database.prepare('SELECT * FROM tokens ORDER BY created_at_ms, id').all().map(toToken),
    );
  }

  /** @returns false when there is no such token, or it was revoked before. */
  revoke(id: string, nowMs: number): boolean {
    return this.#guard(() => {
      const { changes } = this.#database
        .prepare('UPDATE tokens SET revoked_at_ms = ? WHERE id = ? AND revoked_at_ms IS NULL')
        .run(nowMs, id);
      return changes === 1;
    });
  }

  close(): void {
    this.#database.close();
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof AdministrationError) throw error;
      throw new AdministrationError('tokens_failed', `tokens ${this.path}: ${textOf(error)}`, error);
    }
  }
}

function prepareTables(path: string, database: DatabaseSync): void {
  // Two processes may make the same file: the version counts only once the write lock is held.
  database.exec('BEGIN IMMEDIATE');
  try {
    const found = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
    if (found > version) {
      throw new AdministrationError('tokens_unopenable', `tokens ${path}: version ${found} is newer than this program`);
    }
    if (found === 0) database.exec(`${tables}; PRAGMA user_version = ${version}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function toToken(row: Record<string, SQLOutputValue>): StoredToken {
  const scope = String(row.scope);
  if (!isScope(scope) || !(row.hash instanceof Uint8Array)) {
    throw new AdministrationError('tokens_failed', `token ${String(row.id)} can't be used: its row is damaged`);
  }
  return {
    id: String(row.id),
    name: String(row.name),
    scope,
    hash: row.hash,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    revokedAtMs: row.revoked_at_ms === null ? undefined : Number(row.revoked_at_ms),
  };
}
