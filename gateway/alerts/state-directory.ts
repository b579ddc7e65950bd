import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readStates } from '../core/alerts/state/state-block.ts';
import type { VehicleState } from '../core/alerts/state/vehicle-state.ts';
import { DirectoryLock, type LockRefusal } from '../directory-lock/directory-lock.ts';
import { AlertsError } from './errors.ts';
import { readStateFile } from './state-file.ts';

const fileName = /^states\.(\d{1,15})$/;

/** What the files of an earlier process hold. */
export interface FoundStates {
  readonly states: ReadonlyMap<string, VehicleState>;
  readonly bytes: number;
  /** The highest number of a file; 0 without any. */
  readonly generation: number;
  /** The first file that can't be trusted; then `states` is empty. */
  readonly damaged: string | undefined;
}

/**
 * The directory with the files of states, each of one generation: `states.1`, `states.2`, … Of one process at a time:
 * two would remove each other's files, and each would begin with half of what happened.
 */
export class StateDirectory {
  readonly path: string;
  readonly #lock: DirectoryLock;

  /** Makes it where it is not there, and takes it until `release`. @throws {AlertsError} */
  constructor(path: string) {
    this.path = path;
    usable(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
    this.#lock = DirectoryLock.take(path, (refusal, cause) => lockError(path, refusal, cause));
  }

  /** Another process may have it from now on. */
  release(): void {
    this.#lock.release();
  }

  pathOf(generation: number): string {
    return join(this.path, `states.${generation}`);
  }

  /**
   * Reads all files in their order; the last state of a vehicle counts. Nothing that is behind a defect could be trusted
   * to be the last, so with a damaged file there are no states, and all files are set aside as `….damaged`.
   *
   * @throws {AlertsError}
   */
  read(): FoundStates {
    return usable(this.path, () => {
      const states = new Map<string, VehicleState>();
      let bytes = 0;
      const generations = this.#generations();
      const generation = generations.at(-1) ?? 0;
      for (const number of generations) {
        const path = this.pathOf(number);
        const file = readFileSync(path);
        bytes += file.length;
        const restore = (vehicleId: string, state: VehicleState) => states.set(vehicleId, state);
        if (readStateFile(file, (body) => readStates(body, restore)) !== 'damaged') continue;
        for (const each of generations) renameSync(this.pathOf(each), `${this.pathOf(each)}.damaged`);
        return { states: new Map(), bytes, generation, damaged: path };
      }
      return { states, bytes, generation, damaged: undefined };
    });
  }

  /** Makes the present entries durable, and removes the files before a generation. */
  async dropBefore(generation: number): Promise<void> {
    await this.#sync();
    for (const number of this.#generations()) if (number < generation) await rm(this.pathOf(number), { force: true });
  }

  #generations(): number[] {
    return readdirSync(this.path)
      .flatMap((name) => {
        const number = fileName.exec(name)?.[1];
        return number === undefined ? [] : [Number(number)];
      })
      .sort((a, b) => a - b);
  }

  async #sync(): Promise<void> {
    const handle = await open(this.path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function lockError(path: string, refusal: LockRefusal, cause: unknown): AlertsError {
  if (!refusal.isTaken) return unusable(path, refusal.reason, cause);
  const remedy = 'end it, or give each gateway a directory of its own';
  return new AlertsError('state_directory_in_use', `alerts.state.directory ${path}: another process has it; ${remedy}`);
}

function usable<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error), error);
  }
}

function unusable(path: string, reason: string, cause: unknown): AlertsError {
  const remedy = 'give the gateway a directory that it may write to, or none';
  const text = `alerts.state.directory ${path} can't be used: ${reason}; ${remedy}`;
  return new AlertsError('unusable_state_directory', text, cause);
}
