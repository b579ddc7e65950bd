import type { Finding } from '../result.ts';

/** One piece of text of a source file, which must occur exactly once, and what stands there instead. */
export interface Edit {
  /** Path from the project's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A gateway with one mistake built in. A harness that does not turn red on it proves nothing when it stays green. */
export interface Mutant {
  readonly name: string;
  /** One sentence: what it does wrong. */
  readonly what: string;
  readonly edits: readonly Edit[];
  /** Name of the cheapest scenario that must turn red. */
  readonly scenario: string;
  /** What the verdict must find. Red for anything else does not count as caught. */
  readonly expects: Finding;
  /** Sections of settings that make the mistake show soon. */
  readonly settings?: Readonly<Record<string, object>>;
  /** The same for the fleet. */
  readonly fleet?: { readonly ratePerSecond?: number; readonly rejectShare?: number };
}
