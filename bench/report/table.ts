import type { IdleMemory } from '../measure/idle-memory.ts';
import { fenceCount } from '../servers/everything.ts';
import { type Figures, type Measurements, medianOf } from './figures.ts';
import type { BenchResult } from './result.ts';

const header = ['', 'µs CPU/msg', 'acked/s', 'p50 ms', 'p95 ms', 'p99 ms', 'server CPU', 'load CPU', 'load core'];

/** The figures for people: medians over the rounds, one row per server and load, then ratios and memory. */
export const renderReport = (measurements: Measurements, result: BenchResult): string => {
  const { limit, coalescedLimit, baseline, gateway, full, rate, gatewayIdle, baselineIdle } = measurements;
  const rows = [
    row('limit, one publish per read', medianOf(limit)),
    row('limit, coalesced reads', medianOf(coalescedLimit)),
    row('baseline: aedes + kafkajs', medianOf(baseline)),
    row('gateway', medianOf(gateway)),
    row('gateway, everything on', medianOf(full)),
    row(`gateway at ${rate?.askedPerSecond}/s, ${rate?.connections} connections`, rate),
  ].flatMap((cells) => (cells === undefined ? [] : [cells]));
  const coalesced = medianOf(coalescedLimit);
  const saturated = medianOf(gateway);
  const ratioToCoalesced = coalesced && saturated && saturated.cpuUsPerMessage / coalesced.cpuUsPerMessage;
  const lines = [
    ...(rows.length > 0 ? align([header, ...rows]) : []),
    '',
    line('CPU per message, gateway ÷ limit', result.ratioToLimit),
    line('CPU per message, gateway ÷ coalesced limit', ratioToCoalesced?.toFixed(3)),
    line('CPU per message, gateway ÷ baseline', result.ratioToBaseline),
    line('CPU per message, everything on ÷ limit', result.ratioFullToLimit),
    line('everything on − gateway', costOfEverything(measurements)),
    line('bytes per idle connection, gateway', gatewayIdle && describeMemory(gatewayIdle)),
    line('bytes per idle connection, baseline', baselineIdle && describeMemory(baselineIdle)),
  ];
  return lines.filter((text) => text !== undefined).join('\n');
};

const row = (name: string, figures: Figures | undefined): string[] | undefined =>
  figures && [
    name,
    figures.cpuUsPerMessage.toFixed(1),
    Math.round(figures.ackedPerSecond).toLocaleString('en'),
    figures.pubackP50Ms.toFixed(1),
    figures.pubackP95Ms.toFixed(1),
    figures.pubackP99Ms.toFixed(1),
    percent(figures.serverShare),
    percent(figures.loadShare),
    percent(figures.loadCoreShare),
  ];

/** What alerts cost, nearly all that the full gateway does besides. */
const costOfEverything = ({ gateway, full, alertsPerMessage = 0 }: Measurements): string | undefined => {
  const without = medianOf(gateway);
  const withAll = medianOf(full);
  if (without === undefined || withAll === undefined) return undefined;
  const us = withAll.cpuUsPerMessage - without.cpuUsPerMessage;
  return (
    `${us.toFixed(1)} µs per message for 5 alert rules with ${fenceCount.toLocaleString('en')} geofences, their state on ` +
    `disk, and ${(alertsPerMessage * 1000).toFixed(1)} alerts per 1,000 messages`
  );
};

const describeMemory = ({ bytesPerConnection, uncollectedBytesPerConnection }: IdleMemory): string =>
  `${Math.round(bytesPerConnection).toLocaleString('en')}; ` +
  `with the garbage of connecting ${Math.round(uncollectedBytesPerConnection).toLocaleString('en')}`;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const line = (name: string, value: number | string | null | undefined): string | undefined =>
  value === null || value === undefined ? undefined : `${name}: ${value.toLocaleString('en')}`;

/** Columns padded to their widest cell: the first to the left, figures to the right. */
const align = (rows: readonly (readonly string[])[]): string[] => {
  const widths = header.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
};
