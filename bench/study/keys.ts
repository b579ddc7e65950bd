import type { Factor, QuotientCase, SpoolCase } from './plan.ts';

/** One measurement of one round. */
export interface Take {
  /** Length of the window: figures of shorter windows are not the same measurement. */
  readonly seconds: number;
  readonly round: number;
}

const of = ({ seconds, round }: Take, ...parts: readonly (string | number)[]): string =>
  [...parts, `${seconds} s`, `round ${round}`].join(' · ');

/** Under which names the journal keeps what was measured; also what the progress says. */
export const keys = {
  latency: (rate: number, reader: 'no consumer' | 'one consumer', take: Take): string =>
    of(take, 'latency', `${rate}/s`, reader),
  factor: ({ setting }: Factor, value: number, load: 'paced' | 'saturated', take: Take): string =>
    of(take, 'factors', `${setting} ${value}`, load),
  limit: ({ rate, connections }: Omit<QuotientCase, 'partitions'>, take: Take): string =>
    of(take, 'quotient', 'limit', `${connections} connections`, `${rate}/s`),
  gateway: ({ rate, connections, partitions }: QuotientCase, take: Take): string =>
    of(take, 'quotient', 'gateway', `${partitions} partitions`, `${connections} connections`, `${rate}/s`),
  throughput: (take: Take): string => of(take, 'throughput'),
  spool: (how: SpoolCase, take: Take): string => of(take, 'spool', how),
};
