/** What happens to the rules of alerts and to the states that outlive the process; implemented by observability. */
export interface AlertFilesObserver {
  /** The rules that apply from now on. `cause`: start, a signal, a changed file. */
  rulesLoaded(cause: string, rules: number, fences: number, durationMs: number): void;
  /** New rules were not taken; those before still apply. */
  rulesRefused(cause: string, problem: string): void;
  /** States of an earlier process. */
  statesRestored(vehicles: number, bytes: number, durationMs: number): void;
  /** States of an earlier process that can't be trusted: the gateway starts without them. */
  statesDamaged(file: string): void;
  /** All states are in one file, on the disk. */
  snapshotWritten(vehicles: number, bytes: number, durationMs: number): void;
  /** A file of states could not be begun, or written to; in the second case none are kept until the next snapshot. */
  stateWriteFailed(error: unknown): void;
}
