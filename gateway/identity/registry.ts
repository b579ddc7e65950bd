import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { DeviceKind } from '../core/identity.ts';
import type { Device } from './device.ts';
import { DeviceRegistryError, toDeviceRegistryError } from './registry-error.ts';
import { StagedImport } from './registry-import.ts';
import { migrate } from './registry-migrations.ts';

export interface RegistryOptions {
  /**
   * How long a call may wait for another process's write, on the calling thread. Readers never wait for writers (WAL);
   * short in the gateway, whose event loop stands still meanwhile.
   */
  readonly busyTimeoutMs: number;
}

const columns = 'device_id, kind, bound_to, secret_hash, enabled, created_at_ms, rotated_at_ms';

/**
 * The devices that may connect, in an SQLite file. The gateway and the `devices` command use it at the same time: WAL
 * lets one write while others read, and each read sees the latest commit.
 *
 * Every method throws a `DeviceRegistryError` when the database fails.
 */
export class DeviceRegistry {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #enable: StatementSync;
  readonly #rotate: StatementSync;
  readonly #remove: StatementSync;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#find = database.prepare(`SELECT ${columns} FROM devices WHERE device_id = ?`);
    this.#add = database.prepare(
      `INSERT INTO devices (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#enable = database.prepare('UPDATE devices SET enabled = ? WHERE device_id = ?');
    this.#rotate = database.prepare('UPDATE devices SET secret_hash = ?, rotated_at_ms = ? WHERE device_id = ?');
    this.#remove = database.prepare('DELETE FROM devices WHERE device_id = ?');
  }

  /** Opens the file, makes it when missing (readable by its owner only), and brings its tables up to date. */
  static open(path: string, { busyTimeoutMs }: RegistryOptions): DeviceRegistry {
    let database: DatabaseSync | undefined;
    try {
      // SQLite would make it with the default mode; its WAL files take over the mode of the database.
      if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
      database = new DatabaseSync(path, { timeout: busyTimeoutMs });
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
      const newer = migrate(database);
      if (newer === undefined) return new DeviceRegistry(path, database);
      throw new DeviceRegistryError(
        'registry_too_new',
        `device registry ${path}: version ${newer.tooNew} is newer than this program`,
      );
    } catch (error) {
      database?.close();
      throw toDeviceRegistryError(path, error, 'registry_unopenable');
    }
  }

  find(deviceId: string): Device | undefined {
    return this.#guard(() => {
      const row = this.#find.get(deviceId);
      return row === undefined ? undefined : toDevice(row);
    });
  }

  /** @returns false when the id is taken; nothing is changed then. */
  add(device: Device): boolean {
    return this.#guard(() => this.#add.run(...toRow(device)).changes === 1);
  }

  /** @returns false when there is no such device; so do the other changes. */
  setEnabled(deviceId: string, enabled: boolean): boolean {
    return this.#guard(() => this.#enable.run(enabled ? 1 : 0, deviceId).changes === 1);
  }

  /** Replaces the secret; the old one is worth nothing from the next connect on. */
  rotate(deviceId: string, secretHash: string, rotatedAtMs: number): boolean {
    return this.#guard(() => this.#rotate.run(secretHash, rotatedAtMs, deviceId).changes === 1);
  }

  remove(deviceId: string): boolean {
    return this.#guard(() => this.#remove.run(deviceId).changes === 1);
  }

  /** All devices in the order of their ids, read as they are consumed. */
  *list(kind?: DeviceKind): Generator<Device> {
    const statement = this.#guard(() =>
      this.#database.prepare(`SELECT ${columns} FROM devices WHERE kind = ? OR ? IS NULL ORDER BY device_id`),
    );
    const rows = statement.iterate(kind ?? null, kind ?? null);
    for (;;) {
      const { done, value } = this.#guard(() => rows.next());
      if (done) return;
      yield toDevice(value);
    }
  }

  count(): number {
    return this.#guard(() => Number(this.#database.prepare('SELECT count(*) AS n FROM devices').get()?.n));
  }

  /** Begins an import of many devices that are added together or not at all. One at a time. */
  stageImport(): StagedImport {
    return this.#guard(() => new StagedImport(this.#database, (work) => this.#guard(work)));
  }

  close(): void {
    this.#database.close();
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw toDeviceRegistryError(this.path, error);
    }
  }
}

const toRow = (device: Device) =>
  [
    device.deviceId,
    device.kind,
    device.boundTo,
    device.secretHash,
    device.enabled ? 1 : 0,
    device.createdAtMs,
    device.rotatedAtMs ?? null,
  ] as const;

const toDevice = (row: Record<string, SQLOutputValue>): Device => ({
  deviceId: String(row.device_id),
  kind: row.kind === 'bay' ? 'bay' : 'vehicle',
  boundTo: String(row.bound_to),
  secretHash: String(row.secret_hash),
  enabled: row.enabled === 1,
  createdAtMs: Number(row.created_at_ms),
  rotatedAtMs: row.rotated_at_ms === null ? undefined : Number(row.rotated_at_ms),
});
