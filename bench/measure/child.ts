import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const stopDeadlineMs = 30_000;
const keptOutputCharacters = 4000;

/** A child process of the benchmark: its end, expected or not, always reaches whoever waits for it. */
export class Child implements AsyncDisposable {
  static readonly #alive = new Set<Child>();
  static #interrupted = false;
  readonly process: ChildProcess;
  readonly #name: string;
  readonly #died = Promise.withResolvers<never>();
  #output = '';
  #onOutput: ((output: string) => void) | undefined;
  #stopping = false;

  /**
   * @param command program and arguments. Its output is kept for error messages.
   * @param channel `ipc` for the benchmark's own servers and load; the gateway gets none, as in production.
   */
  constructor(name: string, command: readonly string[], channel: 'ipc' | 'ignore') {
    if (Child.#interrupted) throw new Error('interrupted');
    const [program, ...args] = command as [string, ...string[]];
    this.#name = name;
    this.process = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', channel] });
    Child.#alive.add(this);
    this.#died.promise.catch(() => undefined);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-keptOutputCharacters);
        this.#onOutput?.(this.#output);
      });
    }
    this.process.once('error', (error) => this.#died.reject(new Error(`${name} did not start: ${error.message}`)));
    this.process.once('exit', (code, signal) => {
      Child.#alive.delete(this);
      if (Child.#interrupted) this.#died.reject(new Error('interrupted'));
      else if (this.#stopping) this.#died.reject(new Error(`${name} was stopped`));
      else this.#died.reject(new Error(`${name} ended (${signal ?? code}):\n${this.#output}`));
    });
  }

  /** Kills all children and lets no further one start: whoever waits for one gets an error. */
  static interruptAll(): void {
    Child.#interrupted = true;
    for (const child of Child.#alive) child.process.kill('SIGKILL');
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Waits until the output, both streams together, matches. Rejects when it has not by the deadline. */
  async printed(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (output: string): void => {
      const match = pattern.exec(output);
      if (match !== null) resolve(match);
    };
    const late = (): void => reject(new Error(`${this.#name} is not ready after ${deadlineMs} ms:\n${this.#output}`));
    const timer = setTimeout(late, deadlineMs);
    this.#onOutput = look;
    look(this.#output);
    try {
      return await this.whileAlive(promise);
    } finally {
      clearTimeout(timer);
      this.#onOutput = undefined;
    }
  }

  /** Rejects when the process ends before `promise` does. */
  whileAlive<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#died.promise]);
  }

  /** The next message of the child. */
  async message<T>(): Promise<T> {
    const [message] = (await this.whileAlive(once(this.process, 'message'))) as [T];
    return message;
  }

  /** Asks for an answer. One question at a time. */
  ask<T>(question: object): Promise<T> {
    const answer = this.message<T>();
    this.process.send(question);
    return answer;
  }

  /** SIGTERM, and SIGKILL after a deadline. Returns once the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    const timer = setTimeout(() => {
      process.stderr.write(`${this.#name} does not end by itself, killing it\n`);
      this.process.kill('SIGKILL');
    }, stopDeadlineMs);
    this.process.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
