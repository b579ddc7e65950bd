import type { Connection } from './connection.ts';
import type { MqttContext } from './context.ts';

export interface HandOverOptions {
  readonly connectionsPerSecond: number;
  /** When it ends, finished or not. */
  readonly deadlineMs: number;
}

const tickMs = 20;
/** By this share of the time the last connection has been asked to leave: the rest is for settling what it has sent. */
const askedByShare = 0.6;

/**
 * Lets the connections leave one after the other, at a pace: each is served until its turn, then settled, answered and
 * told. Faster than asked for when the deadline would be missed otherwise.
 */
export class HandOver {
  readonly #context: MqttContext;
  readonly #waiting: Connection[];
  readonly #perMs: number;
  readonly #startedAtMs: number;
  #asked = 0;

  constructor(context: MqttContext, { connectionsPerSecond, deadlineMs }: HandOverOptions) {
    this.#context = context;
    this.#waiting = [...context.connections];
    const least = this.#waiting.length / Math.max(1, deadlineMs * askedByShare);
    this.#perMs = Math.max(connectionsPerSecond / 1000, least);
    this.#startedAtMs = context.monotonicMs();
  }

  /** Resolves with how many connections were left at the deadline. */
  static async run(context: MqttContext, options: HandOverOptions): Promise<number> {
    const handOver = new HandOver(context, options);
    await new Promise<void>((resolve) => {
      const endAtMs = context.monotonicMs() + options.deadlineMs;
      const step = (): void => {
        handOver.tick();
        if (!handOver.isDone && context.monotonicMs() < endAtMs) return;
        clearInterval(timer);
        resolve();
      };
      const timer = setInterval(step, tickMs);
      step();
    });
    return handOver.left;
  }

  /** Asks as many to leave as the time since the start allows. */
  tick(): void {
    const elapsedMs = this.#context.monotonicMs() - this.#startedAtMs + tickMs;
    const due = Math.min(this.#waiting.length, Math.ceil(elapsedMs * this.#perMs));
    while (this.#asked < due) {
      this.#waiting[this.#asked]?.leave();
      this.#asked += 1;
    }
  }

  /** Connections that have not ended. Those whose socket only lingers are not among them. */
  get left(): number {
    let left = 0;
    for (const connection of this.#context.connections) if (!connection.hasEnded) left += 1;
    return left;
  }

  get isDone(): boolean {
    return this.#asked === this.#waiting.length && this.left === 0;
  }
}
