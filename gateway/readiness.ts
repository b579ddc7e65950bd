import type { Readiness } from './admin/server.ts';

/** Something that may speak against sending further devices to this gateway. */
export interface Condition {
  /** A stable word, for `/readyz`, the log and the metric. */
  readonly reason: string;
  /** Whether it is so at this moment. Cheap; asked several times a second. */
  readonly holds: () => boolean;
  /** How long it must have been so before it counts, less the time in between in which it was not. Default 0. */
  readonly afterMs?: number;
  /** How long it must have been over before it counts no longer. Default: that of the list. */
  readonly recoverAfterMs?: number;
}

export interface ReadinessOptions {
  /** So that a load balancer is not told yes and no in turn. */
  readonly recoverAfterMs: number;
  /** Told when the reasons have changed. */
  readonly changed: (readiness: Readiness) => void;
  /** Milliseconds that never jump. Default: the process's monotonic clock. */
  readonly monotonicMs?: () => number;
}

const checkEveryMs = 250;

/** The state of one condition over time: for how long it has held, and when it ceased to. */
class Watched {
  readonly condition: Condition;
  readonly #afterMs: number;
  readonly #recoverAfterMs: number;
  #held = false;
  /** Grows while it holds and shrinks while it does not: an overload that breathes is one all the same. */
  #heldMs = 0;
  #checkedAtMs = 0;
  #goodSinceMs: number | undefined;
  counts = false;

  constructor(condition: Condition, recoverAfterMs: number) {
    this.condition = condition;
    this.#afterMs = condition.afterMs ?? 0;
    this.#recoverAfterMs = condition.recoverAfterMs ?? recoverAfterMs;
  }

  check(nowMs: number): void {
    const holds = this.condition.holds();
    const passedMs = nowMs - this.#checkedAtMs;
    this.#checkedAtMs = nowMs;
    if (holds && this.#held) this.#heldMs = Math.min(this.#heldMs + passedMs, this.#afterMs);
    else if (!holds && !this.#held) this.#heldMs = Math.max(this.#heldMs - passedMs, 0);
    this.#held = holds;
    if (holds) {
      this.#goodSinceMs = undefined;
      if (this.#heldMs >= this.#afterMs) this.counts = true;
      return;
    }
    if (!this.counts) return;
    this.#goodSinceMs ??= nowMs;
    if (nowMs - this.#goodSinceMs < this.#recoverAfterMs) return;
    this.counts = false;
    this.#heldMs = 0;
  }
}

/**
 * Whether the gateway should be sent devices: a list of named conditions, none of which may count. Looked at several
 * times a second, as it follows from time passing as well as from events, and whenever it is asked for.
 */
export class ReadinessConditions {
  readonly #options: ReadinessOptions;
  readonly #watched: Watched[] = [];
  #lastReasons = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Adds conditions; each is looked at from now on. */
  add(...conditions: readonly Condition[]): void {
    for (const condition of conditions) {
      this.#watched.push(new Watched(condition, this.#options.recoverAfterMs));
    }
    this.#lastReasons = this.current().reasons.join();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#check(), checkEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  current(): Readiness {
    const nowMs = this.#options.monotonicMs?.() ?? performance.now();
    for (const watched of this.#watched) watched.check(nowMs);
    const reasons = this.#watched.filter(({ counts }) => counts).map(({ condition }) => condition.reason);
    return { ready: reasons.length === 0, reasons };
  }

  /** Every reason that there is, and whether it counts now. */
  *states(): Generator<readonly [reason: string, counts: boolean]> {
    this.current();
    for (const { condition, counts } of this.#watched) yield [condition.reason, counts];
  }

  #check(): void {
    const readiness = this.current();
    const reasons = readiness.reasons.join();
    if (reasons === this.#lastReasons) return;
    this.#lastReasons = reasons;
    this.#options.changed(readiness);
  }
}
