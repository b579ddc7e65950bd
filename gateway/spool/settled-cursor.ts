import type { CursorFile } from './cursor-file.ts';

/** At most this often while records are settled; what a crash makes us forget is replayed once more. */
const writeEveryMs = 100;

/** How far Kafka has settled the spool, and how far the disk knows of it. */
export class SettledCursor {
  readonly #file: CursorFile;
  /** Everything before this frame is settled. */
  frame: number;
  /** The same, durable: what is before it may be removed. */
  written: number;
  #writtenAtMs = 0;

  /** @param frame what is in the file. */
  constructor(file: CursorFile, frame: number) {
    this.#file = file;
    this.frame = frame;
    this.written = frame;
  }

  /** Until it is to be written; infinite when it is. */
  get dueInMs(): number {
    if (this.frame === this.written) return Number.POSITIVE_INFINITY;
    return this.#writtenAtMs + writeEveryMs - performance.now();
  }

  async write(): Promise<void> {
    const { frame } = this;
    await this.#file.write(frame);
    this.written = frame;
    this.#writtenAtMs = performance.now();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
