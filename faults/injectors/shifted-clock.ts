import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PRELOAD = join(import.meta.dirname, 'shifted-clock-preload.ts');

/** The wall clock of Node processes, which can be set back and forth while they run. */
export class ShiftedClock implements AsyncDisposable {
  /** Arguments of Node for a process that shall have this clock. */
  readonly execArgv: readonly string[];
  /** The same as a value of NODE_OPTIONS, where the arguments are somebody else's. */
  readonly nodeOptions: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    const preload = pathToFileURL(PRELOAD);
    preload.searchParams.set('file', join(folder, 'offset'));
    this.execArgv = ['--import', preload.href];
    this.nodeOptions = `--import=${preload.href}`;
  }

  /** A clock that is right until `set`. */
  static async create(): Promise<ShiftedClock> {
    const clock = new ShiftedClock(await mkdtemp(join(tmpdir(), 'edge-clock-')));
    await clock.set(0);
    return clock;
  }

  /**
   * Sets the clock of every process that has it to the true time plus `offsetMs`. They follow within some 20 ms, one that
   * starts later from its first line.
   */
  async set(offsetMs: number): Promise<void> {
    const written = join(this.#folder, 'offset.new');
    await writeFile(written, String(offsetMs));
    // In one step: nobody may read half a number.
    await rename(written, join(this.#folder, 'offset'));
  }

  /** Processes that still run keep the last offset. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
