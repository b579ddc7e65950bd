/** What can be studied by itself, in the order in which it runs. */
export const studyParts = ['latency', 'factors', 'quotient', 'throughput', 'spool'] as const;
export type StudyPart = (typeof studyParts)[number];

/** How a study is done. */
export interface StudyOptions {
  readonly parts: readonly StudyPart[];
  /** Length of each measured window. */
  readonly seconds: number;
  /** Load before each window. */
  readonly warmUpSeconds: number;
  /** Saturating load once, before the first measurement: until then the brokers' code is not compiled. */
  readonly brokerWarmUpSeconds: number;
  /** How often everything is measured; figures are medians. */
  readonly rounds: number;
  /** Whether the quotient is measured on the whole grid, or along its axes and at its corners. */
  readonly grid: Grid;
  /** Where measurements are kept as they are made, and from where a run goes on; undefined: nowhere. */
  readonly journalFile: string | undefined;
  /** Where CPU profiles of the servers are written; undefined: none are made. */
  readonly profileDir: string | undefined;
}

export type Grid = 'full' | 'axes';
