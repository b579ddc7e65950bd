import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The line of figures that `simulate --verify` ends with. */
export interface FleetVerdict {
  readonly sent: number;
  readonly acked: number;
  readonly inKafka: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  readonly wrongPartition: number;
  readonly pubackP50Ms: number;
  readonly pubackP99Ms: number;
}

/** A simulated fleet as a child process: `npm run simulate` with `args`. */
export class FleetProcess implements AsyncDisposable {
  readonly output: string[] = [];
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[]) {
    const main = join(import.meta.dirname, '../../device-simulator/main.ts');
    this.child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.output.push(line));
    }
    // `close`, not `exit`: every line has been read by then.
    this.#ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
  }

  /** Waits for its end. */
  async verdict(): Promise<{ exitCode: number | null; figures: FleetVerdict }> {
    const exitCode = await this.#ended;
    const last = this.output.findLast((line) => line.startsWith('{"sent"'));
    if (last === undefined) throw new Error(`the fleet gave no verdict:\n${this.output.slice(-20).join('\n')}`);
    return { exitCode, figures: JSON.parse(last) as FleetVerdict };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }
}
