import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashRequest } from './hash-thread.ts';
import type { SecretHash } from './secret-hash.ts';

/** A hash could not be computed. */
export class HashError extends Error {
  override readonly name = 'HashError';
}

interface Task {
  readonly done: Promise<boolean>;
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Threads that do nothing but hash, at a lower priority than everything else (`hash-thread.ts`): however many passwords are
 * guessed, the event loop and Kafka come first, and no file waits behind hashes for one of libuv's threads.
 *
 * A thread is made where none is idle, so that there are as many as hashes were wanted at once; whoever asks bounds that.
 * Idle ones keep no process from ending.
 */
export class HashThreads {
  readonly #program: URL;
  readonly #idle: Worker[] = [];
  readonly #tasks = new Map<Worker, Task>();

  /** @param program another one than `hash-thread.ts`, for tests. */
  constructor(program = new URL('./hash-thread.ts', import.meta.url)) {
    this.#program = program;
  }

  /** Threads that there are. */
  get size(): number {
    return this.#idle.length + this.#tasks.size;
  }

  /** Whether `secret` is the one that was hashed. Rejects with a `HashError` when that can't be found out. */
  verify(secret: Uint8Array, stored: SecretHash): Promise<boolean> {
    const thread = this.#idle.pop() ?? this.#start();
    thread.ref();
    const { promise: done, resolve, reject } = Promise.withResolvers<boolean>();
    this.#tasks.set(thread, { done, resolve, reject });
    thread.postMessage({ secret, stored } satisfies HashRequest);
    return done;
  }

  /** Ends all of them, when they are done with what they are at. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#tasks.values()].map(({ done }) => done));
    await Promise.all(this.#idle.map((thread) => thread.terminate()));
  }

  #start(): Worker {
    const thread = new Worker(this.#program, { env: {} });
    thread.on('message', (answer: HashAnswer) => this.#answered(thread, answer));
    thread.on('error', (error: Error) => this.#failed(thread, new HashError(error.message, { cause: error })));
    thread.on('exit', () => this.#failed(thread, new HashError('a hash was given up: its thread has ended')));
    return thread;
  }

  #answered(thread: Worker, answer: HashAnswer): void {
    const task = this.#tasks.get(thread);
    this.#tasks.delete(thread);
    this.#idle.push(thread);
    thread.unref();
    if ('isRight' in answer) task?.resolve(answer.isRight);
    else task?.reject(new HashError(answer.problem));
  }

  #failed(thread: Worker, error: Error): void {
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#tasks.get(thread)?.reject(error);
    this.#tasks.delete(thread);
  }
}
