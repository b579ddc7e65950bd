import type { Message } from 'kafkajs';

/** Called once per message: without an error when Kafka has it. */
export type Settle = (error?: Error) => void;

export interface LingerOptions {
  /** How long the first message of a batch waits for others. */
  readonly lingerMs: number;
  /** Most messages sent at once. */
  readonly maxMessages: number;
  /** Resolves when Kafka has acknowledged all of `messages`. */
  readonly send: (messages: Message[]) => Promise<unknown>;
}

/**
 * What a reasonable engineer puts before kafkajs, which sends each call as a request of its own: messages gather for a
 * few milliseconds, or for as long as the batch before them is under way, and go as one. One batch at a time keeps the
 * order of a key.
 */
export class LingerBatches {
  readonly #options: LingerOptions;
  #messages: Message[] = [];
  #settles: Settle[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending = false;

  constructor(options: LingerOptions) {
    this.#options = options;
  }

  add(message: Message, settle: Settle): void {
    this.#messages.push(message);
    this.#settles.push(settle);
    if (this.#sending) return;
    if (this.#messages.length >= this.#options.maxMessages) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#options.lingerMs);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { maxMessages, send } = this.#options;
    const messages = this.#messages.splice(0, maxMessages);
    const settles = this.#settles.splice(0, maxMessages);
    const finish = (error?: Error): void => {
      this.#sending = false;
      for (const settle of settles) settle(error);
      if (this.#messages.length > 0) this.#flush();
    };
    this.#sending = true;
    send(messages).then(() => finish(), finish);
  }
}
