import { setImmediate as nextTurn } from 'node:timers/promises';
import { StateBlock } from '../core/alerts/state/state-block.ts';
import type { TrackedVehicle } from '../core/alerts/state/tracked-vehicle.ts';
import type { TrackedVehicles } from '../core/alerts/state/tracked-vehicles.ts';
import type { AlertFilesObserver } from './observer.ts';
import { type FoundStates, StateDirectory } from './state-directory.ts';
import { completeKind, StateFile, statesKind } from './state-file.ts';

export interface StateStoreOptions {
  readonly directory: string;
  /** From one snapshot to the next. */
  readonly snapshotMs: number;
  readonly vehicles: TrackedVehicles;
  readonly observer: AlertFilesObserver;
}

/** Vehicles written in one turn of the event loop: well below a millisecond. */
const vehiclesPerTurn = 500;
/** States are handed to the operating system in pieces of about this size. */
const mostBlockBytes = 1_048_576;

/**
 * Keeps the states of vehicles in files, so that they survive the process, also one that is killed.
 *
 * What a restart must not forget is written as soon as it is settled: handed to the operating system at the end of the
 * same turn of the event loop, before the answers to the devices leave. What a device has been answered is therefore in
 * the state that the next process starts with, and what it has not it sends again: the same alerts come of it, under the
 * same ids.
 *
 * At an interval, and at the end, a new file is begun with the states of all vehicles, a few in each turn; in between go
 * those that settle meanwhile. When it is complete and on the disk, the older files are removed.
 */
export class StateStore {
  readonly #options: StateStoreOptions;
  readonly #directory: StateDirectory;
  /** Vehicles whose states are written at the end of the turn, each once. */
  readonly #waiting: TrackedVehicle[] = [];
  readonly #block = new StateBlock();
  readonly #flush = (): void => this.#flushWaiting();
  #isFlushDue = false;
  #generation: number;
  /** Undefined after a failure: nothing is kept until a snapshot has begun. */
  #file: StateFile | undefined;
  #snapshot: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;
  #writtenAtMs = Number.NaN;

  private constructor(options: StateStoreOptions, directory: StateDirectory, generation: number) {
    this.#options = options;
    this.#directory = directory;
    this.#generation = generation;
  }

  /** Restores the states of an earlier process and begins to keep those of this one. @throws {AlertsError} */
  static async open(options: StateStoreOptions): Promise<StateStore> {
    const startedAtMs = performance.now();
    const { vehicles, observer } = options;
    const directory = new StateDirectory(options.directory);
    const { states, bytes, generation, damaged } = readOrRelease(directory);
    // Those heard of last come last, so that they are forgotten last.
    for (const [vehicleId, state] of [...states].sort(([, a], [, b]) => a.timeUs - b.timeUs)) {
      vehicles.restore(vehicleId, state);
    }
    if (damaged !== undefined) observer.statesDamaged(damaged);
    else observer.statesRestored(states.size, bytes, performance.now() - startedAtMs);
    const store = new StateStore(options, directory, generation);
    await store.writeSnapshot();
    store.#timer = setInterval(() => void store.writeSnapshot(), options.snapshotMs);
    store.#timer.unref();
    return store;
  }

  /** Milliseconds since all states were last on the disk; NaN before. */
  get snapshotAgeMs(): number {
    return performance.now() - this.#writtenAtMs;
  }

  /** Writes the vehicle's durable state, as it is then, at the end of this turn of the event loop. */
  keep(vehicle: TrackedVehicle): void {
    if (vehicle.isToBeKept) return;
    vehicle.isToBeKept = true;
    this.#waiting.push(vehicle);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    // Before the turn's immediates, in which the answers are written.
    process.nextTick(this.#flush);
  }

  #flushWaiting(): void {
    this.#isFlushDue = false;
    for (let i = 0; i < this.#waiting.length; i++) {
      const vehicle = this.#waiting[i] as TrackedVehicle;
      vehicle.isToBeKept = false;
      // One that was forgotten meanwhile may have begun anew under the same id.
      if (vehicle.slot >= 0) this.#block.add(vehicle.vehicleId, vehicle.durable);
      if (this.#block.length >= mostBlockBytes) this.#appendBlock();
    }
    this.#waiting.length = 0;
    if (this.#block.length > 0) this.#appendBlock();
  }

  #appendBlock(): void {
    try {
      this.#file?.append(statesKind, this.#block.bytes);
    } catch (error) {
      this.#fail(error);
    }
    this.#block.clear();
  }

  /** Resolves when all states are on the disk, or when that has failed. One that is under way is waited for. */
  writeSnapshot(): Promise<void> {
    this.#snapshot ??= this.#writeAll()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#snapshot = undefined;
      });
    return this.#snapshot;
  }

  async #writeAll(): Promise<void> {
    const startedAtMs = performance.now();
    const { vehicles, observer } = this.#options;
    this.#flushWaiting();
    const file = this.#begin();
    if (file === undefined) return;
    const block = new StateBlock();
    let written = 0;
    for (let from = 0; from < vehicles.size; from += vehiclesPerTurn) {
      const end = Math.min(vehicles.size, from + vehiclesPerTurn);
      for (let index = from; index < end; index++) {
        const { vehicleId, durable } = vehicles.at(index);
        if (durable.isFresh) continue;
        if (block.add(vehicleId, durable)) written += 1;
      }
      file.append(statesKind, block.bytes);
      block.clear();
      await nextTurn();
      // A state that settled meanwhile could not be written: the file is no whole.
      if (this.#file !== file) return;
    }
    file.append(completeKind, new Uint8Array(0));
    await file.sync();
    await this.#directory.dropBefore(this.#generation);
    this.#writtenAtMs = performance.now();
    observer.snapshotWritten(written, file.bytes, this.#writtenAtMs - startedAtMs);
  }

  /** From here on, what settles goes to the new file. Without one, it goes on to the old one. */
  #begin(): StateFile | undefined {
    this.#generation += 1;
    try {
      const file = new StateFile(this.#directory.pathOf(this.#generation));
      this.#closeFile();
      this.#file = file;
      return file;
    } catch (error) {
      this.#options.observer.stateWriteFailed(error);
      return undefined;
    }
  }

  /** Nothing may follow what was written in part: states are not kept until a snapshot has begun. */
  #fail(error: unknown): void {
    this.#closeFile();
    this.#options.observer.stateWriteFailed(error);
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    try {
      file?.close();
    } catch (error) {
      this.#options.observer.stateWriteFailed(error);
    }
  }

  /** Writes all states once more, and leaves the directory to others. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#snapshot;
    await this.writeSnapshot();
    this.#closeFile();
    this.#directory.release();
  }
}

function readOrRelease(directory: StateDirectory): FoundStates {
  try {
    return directory.read();
  } catch (error) {
    directory.release();
    throw error;
  }
}
