/** What can be measured by itself, in the order in which it is explained. */
export const parts = ['limit', 'baseline', 'gateway', 'full', 'rate', 'idle'] as const;
export type Part = (typeof parts)[number];

/** How a run is done. Times in seconds. */
export interface BenchOptions {
  /** Length of each measured window. */
  readonly seconds: number;
  /** Load before each window. */
  readonly warmUpSeconds: number;
  /** How often limit, baseline, gateway and full gateway are measured in turn. */
  readonly rounds: number;
  readonly connections: number;
  /** Publishes that each connection has unacknowledged while saturating. */
  readonly inFlight: number;
  readonly rate: number;
  readonly rateConnections: number;
  readonly idleConnections: number;
  readonly only: readonly Part[];
  /** Where CPU profiles of the servers are written; undefined: none are made. */
  readonly profileDir: string | undefined;
}
