import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Change, ChangePoll } from './change-poll.ts';
import type { Device, DeviceChanges, NewDevice } from './device.ts';
import { type ChangeListener, type DeviceFilter, type DeviceStore, mostTakenNamed } from './device-store.ts';
import { DeviceRegistryError, toDeviceRegistryError } from './registry-error.ts';
import { migrate } from './registry-migrations.ts';
import {
  changeDevice,
  insertDevice,
  type Row,
  selectDevices,
  toChangeValues,
  toDevice,
  toRow,
} from './registry-rows.ts';

export interface RegistryOptions {
  /**
   * How long a call may wait for another process's write, on the calling thread. Readers never wait for writers (WAL);
   * short in the gateway, whose event loop stands still meanwhile.
   */
  readonly busyTimeoutMs: number;
}

/**
 * The devices that may connect, in an SQLite file. The gateway and the `devices` command use it at the same time: WAL
 * lets one write while others read, and each read sees the latest commit.
 *
 * The work is done before a method returns; its result comes as a promise, as from every other store.
 */
export class DeviceRegistry implements DeviceStore {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  #poll: ChangePoll | undefined;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#find = database.prepare(`${selectDevices} WHERE device_id = ?`);
    this.#add = database.prepare(insertDevice);
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

  get name(): string {
    return this.path;
  }

  async find(deviceId: string): Promise<Device | undefined> {
    return this.#guard(() => {
      const row = this.#find.get(deviceId);
      return row === undefined ? undefined : toDevice(row);
    });
  }

  async findAll(deviceIds: readonly string[]): Promise<ReadonlyMap<string, Device>> {
    const rows = this.#rows(
      `${selectDevices} WHERE device_id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(deviceIds),
    );
    return new Map(rows.map(toDevice).map((device) => [device.deviceId, device]));
  }

  async page({ kind, group }: DeviceFilter, afterId: string, limit: number): Promise<readonly Device[]> {
    const conditions = `device_id > ? AND (? IS NULL OR kind = ?)
      AND (? IS NULL OR ? IN (SELECT value FROM json_each(group_names)))`;
    const text = `${selectDevices} WHERE ${conditions} ORDER BY device_id LIMIT ?`;
    const [ofKind, ofGroup] = [kind ?? null, group ?? null];
    return this.#rows(text, afterId, ofKind, ofKind, ofGroup, ofGroup, limit).map(toDevice);
  }

  async count(): Promise<number> {
    return Number(this.#rows('SELECT count(*) AS n FROM devices')[0]?.n);
  }

  async add(device: NewDevice): Promise<boolean> {
    return this.#guard(() => this.#add.run(...toRow(device)).changes === 1);
  }

  async addAll(devices: readonly NewDevice[]): Promise<readonly string[]> {
    return this.#guard(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const taken = devices.filter((device) => this.#add.run(...toRow(device)).changes === 0);
        this.#database.exec(taken.length === 0 ? 'COMMIT' : 'ROLLBACK');
        return taken.slice(0, mostTakenNamed).map(({ deviceId }) => deviceId);
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  async rotate(deviceId: string, secretHash: string, rotatedAtMs: number): Promise<boolean> {
    const text = 'UPDATE devices SET secret_hash = ?, rotated_at_ms = ? WHERE device_id = ?';
    return this.#changes(text, secretHash, rotatedAtMs, deviceId);
  }

  async change(deviceId: string, changes: DeviceChanges): Promise<Device | undefined> {
    return this.#guard(() => {
      // So that nobody writes between the two.
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const row = this.#find.get(deviceId);
        const before = row === undefined ? undefined : toDevice(row);
        if (before !== undefined) this.#database.prepare(changeDevice).run(...toChangeValues(deviceId, changes));
        this.#database.exec('COMMIT');
        return before;
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  async remove(deviceId: string): Promise<boolean> {
    return this.#changes('DELETE FROM devices WHERE device_id = ?', deviceId);
  }

  watch(listener: ChangeListener): void {
    const database = this.#database;
    const last = database.prepare('SELECT coalesce(max(number), 0) AS number FROM device_changes');
    const after = database.prepare(
      'SELECT device_id, number FROM device_changes WHERE number > ? ORDER BY number LIMIT ?',
    );
    const toChange = (row: Row): Change => ({ deviceId: String(row.device_id), number: Number(row.number) });
    const notes = {
      name: this.path,
      lastNumber: () => Number(last.get()?.number),
      after: (number: number, limit: number) => after.all(number, limit).map(toChange),
    };
    this.#poll = new ChangePoll(notes, listener);
    this.#poll.start();
  }

  async close(): Promise<void> {
    this.#poll?.stop();
    this.#database.close();
  }

  #rows(text: string, ...values: (string | number | null)[]): Row[] {
    return this.#guard(() => this.#database.prepare(text).all(...values));
  }

  #changes(text: string, ...values: (string | number | null)[]): boolean {
    return this.#guard(() => this.#database.prepare(text).run(...values).changes === 1);
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw toDeviceRegistryError(this.path, error);
    }
  }
}
