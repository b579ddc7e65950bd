const everyMs = 2000;

/** Lines about long work, now and then, on standard error; none for what ends at once. */
export class Reporter {
  readonly #name: string;
  #nextAtMs = performance.now() + everyMs;

  constructor(name: string) {
    this.#name = name;
  }

  /** @param line made only when it is due. */
  progress(line: () => string): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextAtMs) return;
    this.#nextAtMs = nowMs + everyMs;
    this.say(line());
  }

  say(line: string): void {
    process.stderr.write(`${this.#name}: ${line}\n`);
  }
}

/** Tells when somebody wants the command to end (SIGINT, SIGTERM); a second signal ends it at once. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1);
      stopping.abort();
    });
  }
  return stopping.signal;
}
