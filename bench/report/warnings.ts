import type { Figures, Measurements } from './figures.ts';

const saturatedShare = 0.95;
const noticeableStealing = 0.02;
const noticeableForeign = 0.1;
const noticeableSpread = 1.2;

/** What a reader should know before trusting the figures; empty when nothing is odd. */
export const warningsOf = (measurements: Measurements): string[] => {
  const { limit, coalescedLimit, baseline, gateway, full, rate } = measurements;
  return [
    ...aboutRounds('limit', limit),
    ...aboutRounds('limit, coalesced', coalescedLimit),
    ...aboutRounds('baseline', baseline),
    ...aboutRounds('gateway', gateway),
    ...aboutRounds('gateway, everything on', full),
    ...(rate === undefined
      ? []
      : [...aboutRate('rate', rate.askedPerSecond, rate), ...aboutNeighbours('rate', [rate])]),
  ];
};

/** Whether the load, not the server, set the pace. */
export const loadWasBottleneck = ({ loadCoreShare, serverShare }: Figures): boolean =>
  loadCoreShare >= saturatedShare && serverShare < saturatedShare;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const aboutRounds = (name: string, rounds: readonly Figures[]): string[] => {
  const warnings: string[] = [];
  const loadBound = rounds.filter(loadWasBottleneck);
  const [first] = loadBound;
  if (first !== undefined) {
    warnings.push(
      `${name}: in ${loadBound.length} of ${rounds.length} rounds the load's core was the bottleneck (${percent(first.loadCoreShare)} busy, ` +
        `the load generator ${percent(first.loadShare)}; the server ${percent(first.serverShare)}): ` +
        'acknowledged/s is a lower bound, CPU per message stands',
    );
  }
  warnings.push(...aboutNeighbours(name, rounds));
  const costs = rounds.map(({ cpuUsPerMessage }) => cpuUsPerMessage);
  if (rounds.length > 1 && Math.max(...costs) > noticeableSpread * Math.min(...costs)) {
    const spread = costs.map((cost) => cost.toFixed(1)).join(', ');
    warnings.push(`${name}: the rounds differ by more than ${percent(noticeableSpread - 1)}: ${spread} µs`);
  }
  return warnings;
};

/** Other guests of the hypervisor, other programs of this machine. */
export const aboutNeighbours = (name: string, rounds: readonly Figures[]): string[] => {
  const stolen = Math.max(0, ...rounds.map(({ stolenShare }) => stolenShare));
  const foreign = Math.max(0, ...rounds.map(({ foreignShare }) => foreignShare));
  return [
    ...(stolen > noticeableStealing
      ? [`${name}: the hypervisor took up to ${percent(stolen)} of the server's core`]
      : []),
    ...(foreign > noticeableForeign
      ? [`${name}: other programs took up to ${percent(foreign)} of the server's core; latency and rates suffer`]
      : []),
  ];
};

/** Whether the server kept up with the rate. */
export const aboutRate = (name: string, asked: number, { ackedPerSecond }: Figures): string[] =>
  ackedPerSecond >= asked * 0.99
    ? []
    : [`${name}: ${Math.round(ackedPerSecond)}/s were acknowledged where ${asked}/s were asked for`];
