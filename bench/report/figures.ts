import type { LoadResult } from '../load/generator.ts';
import type { IdleMemory } from '../measure/idle-memory.ts';
import { median } from '../measure/median.ts';

/** One server under one load. Shares are of one core. */
export interface Figures {
  /** CPU time, user and system, of the whole server process per acknowledged message. */
  readonly cpuUsPerMessage: number;
  readonly ackedPerSecond: number;
  readonly pubackP50Ms: number;
  readonly pubackP95Ms: number;
  readonly pubackP99Ms: number;
  readonly serverShare: number;
  /** CPU of the load generator alone. */
  readonly loadShare: number;
  /** The load's core with everything on it; the load generator alone where nothing is pinned. */
  readonly loadCoreShare: number;
  readonly stolenShare: number;
  /** Of the server's core, used by anything but the server; 0 where nothing is pinned. */
  readonly foreignShare: number;
}

/** Everything that a run measured; what was left out is undefined or empty. */
export interface Measurements {
  /** One publish per read: one in flight per connection. */
  readonly limit: readonly Figures[];
  /** The same server with as many in flight as the others: it reads and answers several at once. */
  readonly coalescedLimit: readonly Figures[];
  readonly baseline: readonly Figures[];
  readonly gateway: readonly Figures[];
  /** The gateway with everything on. */
  readonly full: readonly Figures[];
  /** Alerts that the full gateway wrote per message, in its last round. */
  readonly alertsPerMessage: number | undefined;
  readonly rate: RateFigures | undefined;
  readonly gatewayIdle: IdleMemory | undefined;
  readonly baselineIdle: IdleMemory | undefined;
  /** Things that were acknowledged and are not on Kafka, or were never acknowledged. Empty when all is well. */
  readonly violations: readonly string[];
}

export interface RateFigures extends Figures {
  readonly askedPerSecond: number;
  readonly connections: number;
}

export const figuresOf = ({ acknowledged, windowMs, latency, resources }: LoadResult): Figures => ({
  cpuUsPerMessage: resources.serverCpuUs / acknowledged,
  ackedPerSecond: (acknowledged / windowMs) * 1000,
  pubackP50Ms: latency.p50Ms,
  pubackP95Ms: latency.p95Ms,
  pubackP99Ms: latency.p99Ms,
  serverShare: resources.serverShare,
  loadShare: resources.loadShare,
  loadCoreShare: resources.loadCoreShare ?? resources.loadShare,
  stolenShare: resources.stolenShare,
  foreignShare: Math.max(0, (resources.serverCoreShare ?? 0) - resources.serverShare),
});

/** Each figure's median over the rounds. Undefined without rounds. */
export const medianOf = (rounds: readonly Figures[]): Figures | undefined => {
  if (rounds.length === 0) return undefined;
  const of = (figure: keyof Figures): number => median(rounds.map((round) => round[figure])) as number;
  return {
    cpuUsPerMessage: of('cpuUsPerMessage'),
    ackedPerSecond: of('ackedPerSecond'),
    pubackP50Ms: of('pubackP50Ms'),
    pubackP95Ms: of('pubackP95Ms'),
    pubackP99Ms: of('pubackP99Ms'),
    serverShare: of('serverShare'),
    loadShare: of('loadShare'),
    loadCoreShare: of('loadCoreShare'),
    stolenShare: of('stolenShare'),
    foreignShare: of('foreignShare'),
  };
};
