import type { ChangeListener } from './device-store.ts';
import { toDeviceRegistryError } from './registry-error.ts';

export interface Change {
  readonly deviceId: string;
  /** Higher than that of every change before it. */
  readonly number: number;
}

/** Where changes are noted, in the order in which they became visible. */
export interface ChangeNotes {
  readonly name: string;
  lastNumber(): number;
  /** The first `limit` changes behind a number; of several changes of one device the last. */
  after(number: number, limit: number): readonly Change[];
}

const everyMs = 1000;
const mostAtOnce = 500;

/** Looks at an interval which devices have changed. One indexed read, microseconds when there was no change. */
export class ChangePoll {
  readonly #notes: ChangeNotes;
  readonly #listener: ChangeListener;
  /** The last change that was told; undefined: it is not known which ones were missed. */
  #told: number | undefined;
  #isLost = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(notes: ChangeNotes, listener: ChangeListener) {
    this.#notes = notes;
    this.#listener = listener;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), everyMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** Looks now; what is more than can be told at once is told when others had their turn. */
  look(): void {
    if (this.#isStopped) return;
    try {
      if (this.#told === undefined) {
        this.#told = this.#notes.lastNumber();
        this.#isLost = false;
        this.#listener.resumed();
        return;
      }
      const changes = this.#notes.after(this.#told, mostAtOnce);
      const last = changes.at(-1);
      if (last === undefined) return;
      this.#told = last.number;
      this.#listener.changed(changes.map(({ deviceId }) => deviceId));
      if (changes.length === mostAtOnce) setImmediate(() => this.look());
    } catch (error) {
      this.#told = undefined;
      if (this.#isLost) return;
      this.#isLost = true;
      this.#listener.lost(toDeviceRegistryError(this.#notes.name, error));
    }
  }
}
