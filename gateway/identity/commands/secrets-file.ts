import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { CommandFailure } from '../../command/failure.ts';

/**
 * The secrets that an import makes, as CSV, readable by their owner only. Never overwrites a file: it might hold the
 * only copy of other secrets. Removed again when the import fails.
 */
export class SecretsFile implements AsyncDisposable {
  readonly #path: string;
  readonly #descriptor: number;
  #kept = false;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  static create(path: string): SecretsFile {
    try {
      const file = new SecretsFile(path, openSync(path, 'wx', 0o600));
      writeSync(file.#descriptor, 'device_id,secret\n');
      return file;
    } catch (error) {
      throw new CommandFailure(`--secrets-out: ${error instanceof Error ? error.message : String(error)}`, 2);
    }
  }

  /** Neither value needs quoting: ids and generated secrets hold no comma, quote or line break. */
  write(deviceId: string, secret: string): void {
    writeSync(this.#descriptor, `${deviceId},${secret}\n`);
  }

  flush(): void {
    fsyncSync(this.#descriptor);
  }

  /** The import went through. */
  keep(): void {
    this.#kept = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#descriptor);
    if (!this.#kept) rmSync(this.#path, { force: true });
  }
}
