import { type Measurements, medianOf } from './figures.ts';

interface Throughput {
  readonly cpuUsPerMessage: number;
  readonly ackedPerSecond: number;
}

/** The last line of the output. What was not measured is null. Microseconds, milliseconds, bytes. */
export interface BenchResult {
  readonly limit: Throughput | null;
  readonly baseline: Throughput | null;
  readonly gateway: {
    readonly cpuUsPerMessage: number | null;
    readonly ackedPerSecond: number | null;
    /** At the fixed rate, not while saturated. */
    readonly pubackP99Ms: number | null;
    readonly bytesPerIdleConnection: number | null;
  } | null;
  /** The gateway with everything on: five rules of alerts, 10,000 geofences and the rest. */
  readonly full: Throughput | null;
  /** CPU per acknowledged message, gateway ÷ limit. */
  readonly ratioToLimit: number | null;
  /** CPU per acknowledged message, gateway ÷ baseline. */
  readonly ratioToBaseline: number | null;
  /** CPU per acknowledged message, full gateway ÷ limit. */
  readonly ratioFullToLimit: number | null;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
const ratio = (a: Throughput | undefined, b: Throughput | undefined): number | null =>
  a && b ? rounded(a.cpuUsPerMessage / b.cpuUsPerMessage, 3) : null;

const throughput = (figures: Throughput | undefined): Throughput | null =>
  figures === undefined
    ? null
    : { cpuUsPerMessage: rounded(figures.cpuUsPerMessage, 2), ackedPerSecond: Math.round(figures.ackedPerSecond) };

export const resultOf = (measurements: Measurements): BenchResult => {
  const limit = medianOf(measurements.limit);
  const baseline = medianOf(measurements.baseline);
  const gateway = medianOf(measurements.gateway);
  const full = medianOf(measurements.full);
  const { rate, gatewayIdle } = measurements;
  const saturated = throughput(gateway);
  const nothingOfTheGateway = gateway === undefined && rate === undefined && gatewayIdle === undefined;
  return {
    limit: throughput(limit),
    baseline: throughput(baseline),
    gateway: nothingOfTheGateway
      ? null
      : {
          cpuUsPerMessage: saturated?.cpuUsPerMessage ?? null,
          ackedPerSecond: saturated?.ackedPerSecond ?? null,
          pubackP99Ms: rate === undefined ? null : rounded(rate.pubackP99Ms, 2),
          bytesPerIdleConnection: gatewayIdle === undefined ? null : Math.round(gatewayIdle.bytesPerConnection),
        },
    full: throughput(full),
    ratioToLimit: ratio(gateway, limit),
    ratioToBaseline: ratio(gateway, baseline),
    ratioFullToLimit: ratio(full, limit),
  };
};
