import { fileURLToPath } from 'node:url';
import { Child } from '../measure/child.ts';
import { type Placement, pinned } from '../measure/placement.ts';
import type { ConnectOptions, LoadResult, WindowOptions } from './generator.ts';
import type { LoadReply, LoadRequest, LoadSubject } from './protocol.ts';

const entry = fileURLToPath(new URL('main.ts', import.meta.url));

/** The load generator in a process of its own, on the load's core. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: Child;

  /** @param serverPid whose CPU time is read at the edges of a window. */
  constructor(placement: Placement, serverPid: number) {
    const subject: LoadSubject = { serverPid, cores: placement.cores };
    const command = [process.execPath, entry, JSON.stringify(subject)];
    const { cores } = placement;
    this.#child = new Child('the load generator', pinned(cores === undefined ? [] : [cores.load], command), 'ipc');
  }

  async connect(options: ConnectOptions): Promise<void> {
    await this.#ask({ kind: 'connect', ...options });
  }

  saturate(window: WindowOptions): Promise<LoadResult> {
    return this.#measure({ kind: 'saturate', ...window });
  }

  pace(ratePerSecond: number, window: WindowOptions): Promise<LoadResult> {
    return this.#measure({ kind: 'pace', ratePerSecond, ...window });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }

  async #measure(request: LoadRequest): Promise<LoadResult> {
    const reply = await this.#ask(request);
    if (reply.kind !== 'measured') throw new Error(`the load generator answered ${reply.kind} to ${request.kind}`);
    return reply.result;
  }

  async #ask(request: LoadRequest): Promise<LoadReply> {
    const reply = await this.#child.ask<LoadReply>(request);
    if (reply.kind === 'failed') throw new Error(`the load failed: ${reply.message}`);
    return reply;
  }
}
