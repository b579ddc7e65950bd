import { setTimeout as pause } from 'node:timers/promises';
import type { ChangeListener } from '../device-store.ts';
import { nameOf, PostgresConnection, type PostgresSettings } from './connection.ts';
import { toPostgresError } from './errors.ts';
import { changeChannel } from './migrations.ts';

const retryMs = 500;
/** Also shows that the server is still there: a network that swallows everything closes no connection. */
const beatMs = 1000;
const longestTimeoutMs = 1500;

/**
 * Listens for changes on a connection of its own (LISTEN, NOTIFY), which is made anew whenever it ends. What was told
 * while there was none is not told again by PostgreSQL: `resumed` says that something may have been missed.
 */
export class PostgresChangeListener {
  readonly #settings: PostgresSettings;
  readonly #listener: ChangeListener;
  readonly #answered: () => void;
  readonly #closing = new AbortController();
  /** The highest number of a change that was told. */
  #toldNumber = 0;
  #isLost = false;
  #running: Promise<void> = Promise.resolve();

  /** @param answered told whenever the server has answered. */
  constructor(settings: PostgresSettings, listener: ChangeListener, answered: () => void) {
    this.#settings = settings;
    this.#listener = listener;
    this.#answered = answered;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#listen();
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#isLost) this.#listener.lost(toPostgresError(nameOf(this.#settings), error));
        this.#isLost = true;
      }
      // Rejects only because it was aborted.
      await pause(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Rejects when the connection ends, or can't be made. */
  async #listen(): Promise<void> {
    const timeoutMs = Math.min(this.#settings.timeoutMs, longestTimeoutMs);
    const connection = new PostgresConnection(this.#settings, { connectMs: timeoutMs, statementMs: timeoutMs });
    const { signal } = this.#closing;
    const abandon = (): void => connection.abandon();
    signal.addEventListener('abort', abandon, { once: true });
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => {});
    connection.on('error', ended.reject);
    connection.on('end', () => ended.reject(new Error('the connection was closed')));
    connection.on('notification', ({ payload = '' }) => this.#told(payload));
    try {
      await connection.connect();
      await connection.query(`LISTEN ${changeChannel}`);
      let before = await lastNumber(connection);
      this.#toldNumber = before;
      this.#isLost = false;
      this.#listener.resumed();
      while (!signal.aborted) {
        await Promise.race([pause(beatMs, undefined, { signal }), ended.promise]);
        const last = await lastNumber(connection);
        this.#answered();
        // A pooler between here and the server may keep what is told to itself.
        if (before > this.#toldNumber) {
          this.#toldNumber = before;
          this.#listener.resumed();
        }
        before = last;
      }
    } finally {
      signal.removeEventListener('abort', abandon);
      abandon();
    }
  }

  #told(payload: string): void {
    const space = payload.indexOf(' ');
    const number = Number(payload.slice(0, space));
    // Whoever may connect to the database may notify: what is none of ours says nothing.
    if (space < 1 || !Number.isSafeInteger(number)) return;
    this.#toldNumber = Math.max(this.#toldNumber, number);
    this.#listener.changed([payload.slice(space + 1)]);
  }
}

async function lastNumber(connection: PostgresConnection): Promise<number> {
  const text = 'SELECT coalesce(max(number), 0) AS number FROM edge_device_changes';
  const { rows } = await connection.query<{ number: string }>(text);
  return Number(rows[0]?.number);
}
