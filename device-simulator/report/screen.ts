/** Where reports go: a terminal, a pipe, a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const plainEveryMs = 5_000;
const clearBelow = '\u001b[J';
const upLines = (lines: number): string => (lines > 0 ? `\u001b[${lines}A\r` : '\r');

/**
 * Shows how something goes: on a terminal a few lines that are redrawn in place, elsewhere one plain line every few
 * seconds, so that a log stays readable.
 */
export class Screen {
  readonly #output: Output;
  #drawn = 0;
  #plainAtMs = Number.NEGATIVE_INFINITY;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Lasting lines: they stay above what is redrawn. */
  print(...lines: readonly string[]): void {
    this.#erase();
    for (const line of lines) this.#output.write(`${line}\n`);
  }

  /** The present state; replaces the one before. */
  update(lines: readonly string[], nowMs: number = performance.now()): void {
    if (this.#output.isTTY) {
      this.#erase();
      // Some terminals say that they have 0 columns.
      const width = (this.#output.columns || 80) - 1;
      for (const line of lines) this.#output.write(`${line.slice(0, width)}\n`);
      this.#drawn = lines.length;
    } else if (nowMs - this.#plainAtMs >= plainEveryMs) {
      this.#plainAtMs = nowMs;
      this.#output.write(`${lines.map((line) => line.trim()).join(', ')}\n`);
    }
  }

  /** Lets the last state stand; the next one is drawn below it. */
  keep(): void {
    this.#drawn = 0;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#output.write(upLines(this.#drawn) + clearBelow);
    this.#drawn = 0;
  }
}
