import { defaultPartitions } from '../cluster.ts';
import type { Grid } from './parts.ts';

/** Messages per second at which latency and CPU are measured, the highest first: it warms the servers up for the others. */
export const rates: readonly number[] = [10_000, 5000, 1000];
/** Connections of the parts `latency` and `factors`. */
export const studyConnections = 2000;
/** Load of the part `throughput`: connections, and publishes that each keeps in flight. */
export const saturation = { connections: 500, inFlight: 8 } as const;

/** Every record goes by way of the disk, while Kafka takes what was spooled, or while it is halted. */
export const spoolCases = ['Kafka there', 'Kafka halted'] as const;
export type SpoolCase = (typeof spoolCases)[number];

/** One load under which the CPU of gateway and limit is compared. */
export interface QuotientCase {
  readonly rate: number;
  readonly connections: number;
  readonly partitions: number;
}

const center: QuotientCase = { rate: 10_000, connections: 1000, partitions: defaultPartitions };
const connectionCounts = [100, 1000, 10_000];
/** Devices that must be known to the gateway: the most connections of any part. */
export const devices = 10_000;
/** Partition counts of the quotient; each has a topic of its own. */
export const partitionCounts: readonly number[] = [1, defaultPartitions, 64];

/**
 * The loads of the part `quotient`. `full`: every rate with every number of connections and partitions. `axes`: one
 * factor at a time around 10,000/s, 1,000 connections and 12 partitions, and the corners, at which all are extreme.
 */
export const quotientCases = (grid: Grid): QuotientCase[] => {
  const all = partitionCounts.flatMap((partitions) =>
    connectionCounts.flatMap((connections) => rates.map((rate) => ({ rate, connections, partitions }))),
  );
  return grid === 'full' ? all : all.filter((each) => isOnAxis(each) || isCorner(each));
};

const isOnAxis = ({ rate, connections, partitions }: QuotientCase): boolean => {
  const moved = [rate !== center.rate, connections !== center.connections, partitions !== center.partitions];
  return moved.filter(Boolean).length <= 1;
};

const isCorner = ({ rate, connections, partitions }: QuotientCase): boolean =>
  isEnd(rates, rate) && isEnd(connectionCounts, connections) && isEnd(partitionCounts, partitions);

const isEnd = (values: readonly number[], value: number): boolean => value === values[0] || value === values.at(-1);

/** Cases that one server process and one set of connections serve one after another: they differ only in their rate. */
export const byServer = (cases: readonly QuotientCase[]): QuotientCase[][] => {
  const groups = new Map<string, QuotientCase[]>();
  for (const each of cases) {
    const key = `${each.connections} ${each.partitions}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return [...groups.values()];
};

/** A setting of the gateway's section `kafka` that is studied, and its values; all others keep their defaults. */
export interface Factor {
  readonly setting: 'lingerMs' | 'maxBatchBytes' | 'maxRequestsInFlightPerBroker';
  readonly title: string;
  readonly values: readonly number[];
}

export const factors: readonly Factor[] = [
  { setting: 'lingerMs', title: 'linger, ms', values: [0, 1, 2, 5, 10, 20] },
  { setting: 'maxBatchBytes', title: 'largest batch, bytes', values: [32_768, 65_536, 262_144, 524_288, 1_048_576] },
  { setting: 'maxRequestsInFlightPerBroker', title: 'requests in flight per broker', values: [1, 2, 3, 5] },
];

const longestWaitSeconds = 0.5;
const fewestInFlight = 4;
/** The gateway's own limit per connection; beyond it nothing is read. */
const mostInFlight = 64;

/** Publishes per connection that need not wait for a PUBACK at this rate, as long as that takes less than half a second. */
export const pacedInFlight = (rate: number, connections: number): number =>
  Math.min(mostInFlight, Math.max(fewestInFlight, Math.ceil((rate / connections) * longestWaitSeconds)));
