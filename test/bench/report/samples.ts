import type { IdleMemory } from '../../../bench/measure/idle-memory.ts';
import type { Figures, Measurements } from '../../../bench/report/figures.ts';

export const figures = (overrides: Partial<Figures> = {}): Figures => ({
  cpuUsPerMessage: 10,
  ackedPerSecond: 100_000,
  pubackP50Ms: 10,
  pubackP95Ms: 20,
  pubackP99Ms: 30,
  serverShare: 0.99,
  loadShare: 0.5,
  loadCoreShare: 0.7,
  stolenShare: 0,
  foreignShare: 0.02,
  ...overrides,
});

const idle = (bytesPerConnection: number): IdleMemory => ({
  connections: 5000,
  bytesPerConnection,
  uncollectedBytesPerConnection: bytesPerConnection + 1000,
  beforeBytes: 100_000_000,
  uncollectedBytes: 110_000_000,
  afterBytes: 105_000_000,
});

/** A complete run that is good. */
export const measurements = (overrides: Partial<Measurements> = {}): Measurements => ({
  limit: [figures({ cpuUsPerMessage: 7 }), figures({ cpuUsPerMessage: 6 }), figures({ cpuUsPerMessage: 6.6 })],
  coalescedLimit: [figures({ cpuUsPerMessage: 3.3 })],
  baseline: [figures({ cpuUsPerMessage: 28, ackedPerSecond: 35_000.4 })],
  gateway: [figures({ cpuUsPerMessage: 10 }), figures({ cpuUsPerMessage: 9.9 })],
  full: [figures({ cpuUsPerMessage: 11, ackedPerSecond: 80_000 })],
  alertsPerMessage: 0.0123,
  rate: { ...figures({ ackedPerSecond: 10_000, pubackP99Ms: 21.4567 }), askedPerSecond: 10_000, connections: 2000 },
  gatewayIdle: idle(12_000.4),
  baselineIdle: idle(28_000),
  violations: [],
  ...overrides,
});

/** A run of which nothing was asked. */
export const nothing: Measurements = {
  limit: [],
  coalescedLimit: [],
  baseline: [],
  gateway: [],
  full: [],
  alertsPerMessage: undefined,
  rate: undefined,
  gatewayIdle: undefined,
  baselineIdle: undefined,
  violations: [],
};
