import type { AuditEntry } from './audit-record.ts';

/** A change that is about to be made; as `detail` what is asked for, where the target does not say it. */
export type AttemptedChange = Omit<AuditEntry, 'outcome' | 'status'>;

interface Open {
  readonly entry: AttemptedChange;
  /** Whoever makes it is about to put its outcome on record. */
  isEnding: boolean;
}

/** Changes whose attempt is on record, or about to be, until their outcome is. By the id of the request: it makes one. */
export class Attempts {
  readonly #open = new Map<string, Open>();
  #isClosed = false;
  #onNone: (() => void) | undefined;

  /** @returns false when none may begin any more. */
  begin(entry: AttemptedChange): boolean {
    if (this.#isClosed) return false;
    this.#open.set(entry.requestId, { entry, isEnding: false });
    return true;
  }

  /** Whether it was not given up meanwhile. */
  has(requestId: string): boolean {
    return this.#open.has(requestId);
  }

  /** @returns whether its outcome may be put on record: not when it was given up, which is on record then. */
  ending(requestId: string): boolean {
    const open = this.#open.get(requestId);
    if (open !== undefined) open.isEnding = true;
    return open !== undefined;
  }

  /** Its outcome is on record, or can't be. */
  ended(requestId: string): void {
    this.#open.delete(requestId);
    if (this.#open.size === 0) this.#onNone?.();
  }

  /**
   * Lets none begin any more, and waits for those that have begun.
   *
   * @returns those that have not ended in time, and are given up: nobody else puts their outcome on record.
   */
  async close(deadlineMs: number): Promise<readonly AttemptedChange[]> {
    this.#isClosed = true;
    if (this.#open.size > 0) await this.#none(deadlineMs);
    const left = [...this.#open.values()].filter(({ isEnding }) => !isEnding).map(({ entry }) => entry);
    for (const { requestId } of left) this.#open.delete(requestId);
    return left;
  }

  /** Resolves when there are none, or the time is over. */
  #none(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#onNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
