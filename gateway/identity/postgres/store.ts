import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import { type Device, type DeviceChanges, isUsableId, type NewDevice } from '../device.ts';
import { type ChangeListener, type DeviceFilter, type DeviceStore, mostTakenNamed } from '../device-store.ts';
import { DeviceRegistryError } from '../registry-error.ts';
import { PostgresChangeListener } from './change-listener.ts';
import { changeRow } from './change-row.ts';
import { nameOf, PostgresConnection, type PostgresSettings } from './connection.ts';
import { toPostgresError } from './errors.ts';
import { migratePostgres, migrationTimeoutMs } from './migrations.ts';
import { Outage } from './outage.ts';
import { type DeviceRow, insertDevices, selectDevices, toDevice, toJson } from './rows.ts';

type Value = string | number | boolean | null | readonly string[];

const idleMs = 30_000;
const insertAtOnce = 1000;

/** The devices that may connect, in PostgreSQL: one registry for many gateways. */
export class PostgresDeviceStore implements DeviceStore {
  readonly name: string;
  readonly #settings: PostgresSettings;
  readonly #pool: Pool;
  readonly #outage = new Outage();
  /** When the server last answered anything, on whichever connection. */
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #reading = 0;
  #listener: PostgresChangeListener | undefined;

  private constructor(settings: PostgresSettings) {
    this.name = nameOf(settings);
    this.#settings = settings;
    this.#pool = new Pool({
      max: settings.maxConnections,
      idleTimeoutMillis: idleMs,
      connectionTimeoutMillis: settings.timeoutMs,
      // What it is made with is read anew for each connection.
      Client: class extends PostgresConnection {
        constructor() {
          super(settings);
        }
      },
    });
    // An idle connection has ended: the next statement gets another one, or says what is wrong.
    this.#pool.on('error', () => {});
  }

  /**
   * Connects, and brings the tables up to date.
   *
   * @param make whether to make them where there are none.
   */
  static async open(settings: PostgresSettings, { make }: { readonly make: boolean }): Promise<PostgresDeviceStore> {
    const name = nameOf(settings);
    try {
      const timeouts = { connectMs: settings.timeoutMs, statementMs: migrationTimeoutMs };
      const connection = new PostgresConnection(settings, timeouts);
      // What it ends with is told by whatever was asked of it.
      connection.on('error', () => {});
      try {
        await connection.connect();
        await migratePostgres(connection, name, make);
      } finally {
        connection.abandon();
      }
    } catch (error) {
      throw toPostgresError(name, error);
    }
    return new PostgresDeviceStore(settings);
  }

  /**
   * Bounded in time and in number. While the server is known to be down, rejects at once; one that answers others, but this
   * not in time, is not down but overloaded, as when a fleet comes back at once.
   */
  async find(deviceId: string): Promise<Device | undefined> {
    if (!isUsableId(deviceId)) return undefined;
    const refusal = this.#outage.refusal(performance.now());
    if (refusal !== undefined) throw refusal;
    if (this.#reading >= this.#settings.maxConnections + this.#settings.maxWaiting) {
      throw new DeviceRegistryError('registry_overloaded', `device registry ${this.name}: too many wait for it`);
    }
    this.#reading += 1;
    const startedAtMs = performance.now();
    try {
      const rows = await this.#ask<DeviceRow>(`${selectDevices} WHERE device_id = $1`, [deviceId]);
      this.#outage.worked();
      return rows[0] && toDevice(rows[0]);
    } catch (error) {
      throw error instanceof DeviceRegistryError ? this.#judged(error, startedAtMs) : error;
    } finally {
      this.#reading -= 1;
    }
  }

  /** What a reading that has failed says about the server. */
  #judged(error: DeviceRegistryError, startedAtMs: number): DeviceRegistryError {
    if (error.code === 'registry_timeout' && this.#answeredAtMs > startedAtMs) {
      this.#outage.worked();
      const message = `device registry ${this.name}: it answers, but not all that is asked of it in time`;
      return new DeviceRegistryError('registry_overloaded', message, error);
    }
    this.#outage.failed(error, performance.now());
    return error;
  }

  async findAll(deviceIds: readonly string[]): Promise<ReadonlyMap<string, Device>> {
    const rows = await this.#ask<DeviceRow>(`${selectDevices} WHERE device_id = ANY($1)`, [deviceIds]);
    return new Map(rows.map((row) => [row.device_id, toDevice(row)]));
  }

  async page({ kind, group }: DeviceFilter, afterId: string, limit: number): Promise<readonly Device[]> {
    const text = `${selectDevices} WHERE device_id > $1 AND ($2::text IS NULL OR kind = $2)
      AND ($3::text IS NULL OR $3 = ANY(group_names)) ORDER BY device_id LIMIT $4`;
    return (await this.#ask<DeviceRow>(text, [afterId, kind ?? null, group ?? null, limit])).map(toDevice);
  }

  async count(): Promise<number> {
    const [row] = await this.#ask<{ n: string }>('SELECT count(*) AS n FROM edge_devices', []);
    return Number(row?.n);
  }

  async add(device: NewDevice): Promise<boolean> {
    return (await this.#ask(insertDevices, [toJson([device])])).length === 1;
  }

  async addAll(devices: readonly NewDevice[]): Promise<readonly string[]> {
    return this.#withClient(async (client) => {
      await client.query('BEGIN');
      try {
        const taken = await insertAll(client, devices);
        await client.query(taken.length === 0 ? 'COMMIT' : 'ROLLBACK');
        return taken;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }

  rotate(deviceId: string, secretHash: string, rotatedAtMs: number): Promise<boolean> {
    const text = 'UPDATE edge_devices SET secret_hash = $2, rotated_at_ms = $3 WHERE device_id = $1';
    return this.#changes(text, [deviceId, secretHash, rotatedAtMs]);
  }

  change(deviceId: string, changes: DeviceChanges): Promise<Device | undefined> {
    return this.#withClient((client) => changeRow(client, deviceId, changes));
  }

  remove(deviceId: string): Promise<boolean> {
    return this.#changes('DELETE FROM edge_devices WHERE device_id = $1', [deviceId]);
  }

  watch(listener: ChangeListener): void {
    this.#listener = new PostgresChangeListener(this.#settings, listener, () => this.#answered());
    this.#listener.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#listener?.close(), this.#pool.end()]);
  }

  async #ask<Row extends QueryResultRow>(text: string, values: readonly Value[]): Promise<Row[]> {
    return (await this.#guard(() => this.#pool.query<Row>(text, [...values]))).rows;
  }

  async #changes(text: string, values: readonly Value[]): Promise<boolean> {
    return (await this.#guard(() => this.#pool.query(text, [...values]))).rowCount === 1;
  }

  #withClient<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#guard(async () => {
      const client = await this.#pool.connect();
      let failure: Error | undefined;
      // It may end while it is ours; what was asked of it fails by itself.
      const onError = (error: Error): void => {
        failure = error;
      };
      client.on('error', onError);
      try {
        return await work(client);
      } catch (error) {
        // Nobody knows whether its transaction has ended: the connection must not be lent to others.
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        client.off('error', onError);
        client.release(failure);
      }
    });
  }

  #answered(): void {
    this.#answeredAtMs = performance.now();
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await work();
      this.#answered();
      return result;
    } catch (error) {
      throw toPostgresError(this.name, error);
    }
  }
}

async function insertAll(client: PoolClient, devices: readonly NewDevice[]): Promise<readonly string[]> {
  const taken: string[] = [];
  for (let start = 0; start < devices.length && taken.length < mostTakenNamed; start += insertAtOnce) {
    const chunk = devices.slice(start, start + insertAtOnce);
    const { rows } = await client.query<{ device_id: string }>(insertDevices, [toJson(chunk)]);
    if (rows.length === chunk.length) continue;
    const added = new Set(rows.map(({ device_id }) => device_id));
    for (const { deviceId } of chunk) if (!added.has(deviceId)) taken.push(deviceId);
  }
  return taken.slice(0, mostTakenNamed);
}
