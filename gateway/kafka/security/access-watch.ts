import { type AccessFailure, type AccessKind, accessFailureNamed, accessFailureOf } from './access-failure.ts';

/** Told of every failed attempt. `where`: whoever refused, or what: `broker 1`, `topic alerts`. */
export type OnAccessRefused = (where: string, failure: AccessFailure) => void;

/**
 * At least; and longer than the pauses between two attempts: what is tried and fails is refused all the time. What is not
 * tried any more, because no record needs it, must not speak against the gateway for ever.
 */
const leastFadeMs = 30_000;

/** Where Kafka does not let the gateway in, at this moment. Outlives producers, as a start may take several. */
export class AccessWatch {
  readonly #refused: OnAccessRefused;
  readonly #fadesAfterMs: number;
  readonly #failures = new Map<string, { readonly kind: AccessKind; readonly atMs: number }>();

  /** @param longestPauseMs between two attempts. */
  constructor(refused: OnAccessRefused, longestPauseMs = 0) {
    this.#refused = refused;
    this.#fadesAfterMs = Math.max(leastFadeMs, 2 * longestPauseMs);
  }

  /** Something failed. Only what is about access is remembered. */
  failed(where: string, error: unknown): void {
    this.#note(where, accessFailureOf(error));
  }

  /** A broker answered with this error. @param protocolError its name. */
  answered(where: string, protocolError: string): void {
    this.#note(where, accessFailureNamed(protocolError));
  }

  /** It works again. */
  succeeded(where: string): void {
    this.#failures.delete(where);
  }

  /** False: nothing needs to be told of success. */
  get isTroubled(): boolean {
    return this.#failures.size > 0;
  }

  /** Whether something of this kind is refused at this moment. */
  isRefused(kind: AccessKind, nowMs = performance.now()): boolean {
    for (const failure of this.#failures.values()) {
      if (failure.kind === kind && nowMs - failure.atMs < this.#fadesAfterMs) return true;
    }
    return false;
  }

  #note(where: string, failure: AccessFailure | undefined): void {
    if (failure === undefined) return;
    this.#failures.set(where, { kind: failure.kind, atMs: performance.now() });
    this.#refused(where, failure);
  }
}
