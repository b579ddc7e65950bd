import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { stateOf } from './request-state.ts';

/** Answers that are not out yet, so that nobody who has changed something is cut off before he is told. */
export class OpenAnswers {
  readonly #open = new Map<FastifyRequest, FastifyReply['raw']>();

  constructor(server: FastifyInstance) {
    server.addHook('onRequest', async (request, reply) => {
      this.#open.set(request, reply.raw);
      // Comes in any case: when all is handed to the system, or nobody is there any more.
      reply.raw.once('close', () => this.#open.delete(request));
    });
  }

  /** Resolves when those to changes that have ended are out, or the time is over. */
  async changesAnswered(deadlineMs: number): Promise<void> {
    const answers = [...this.#open].filter(([request]) => stateOf(request).isEnding === true).map(([, raw]) => raw);
    if (answers.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    const out = answers.map((raw) => new Promise((resolve) => raw.once('close', resolve)));
    await Promise.race([Promise.all(out), late]);
    clearTimeout(timer);
  }
}
