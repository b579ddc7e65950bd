import { fileURLToPath } from 'node:url';
import { Child } from '../../measure/child.ts';
import { pinned } from '../../measure/placement.ts';
import type { ConsumerFigures } from '../measured.ts';
import type { ConsumerReply, ConsumerRequest, ConsumerSubject } from './protocol.ts';

const entry = fileURLToPath(new URL('main.ts', import.meta.url));

/** The consumer in a process of its own. */
export class ConsumerProcess implements AsyncDisposable {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Resolves once the consumer has its place in every partition: what is written from then on reaches it. */
  static async start(subject: ConsumerSubject, cores: readonly number[]): Promise<ConsumerProcess> {
    const command = [process.execPath, entry, JSON.stringify(subject)];
    const child = new Child('the consumer', pinned(cores, command), 'ipc');
    try {
      checked(await child.message<ConsumerReply>());
      return new ConsumerProcess(child);
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  /** Has latencies recorded of records that are due in a window; milliseconds since the epoch. */
  async expect(fromMs: number, toMs: number): Promise<void> {
    await this.#ask({ kind: 'expect', fromMs, toMs });
  }

  /**
   * Waits until `arrived` records have reached the consumer since it began, or a deadline.
   *
   * @returns how many have, and what was recorded.
   */
  async report(arrived: number): Promise<{ arrived: number; figures: ConsumerFigures }> {
    const reply = await this.#ask({ kind: 'report', arrived });
    if (reply.kind !== 'reported') throw new Error(`the consumer answered ${reply.kind} to report`);
    return reply;
  }

  async #ask(request: ConsumerRequest): Promise<ConsumerReply> {
    return checked(await this.#child.ask<ConsumerReply>(request));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }
}

const checked = (reply: ConsumerReply): ConsumerReply => {
  if (reply.kind === 'failed') throw new Error(`the consumer failed: ${reply.message}`);
  return reply;
};
