import type { Percentiles } from '../../load/latencies.ts';
import { factors, partitionCounts, rates } from '../plan.ts';
import type { FactorFinding, Findings } from './findings.ts';
import { drawLegend, drawPanel, type Panel, type Series, shortNumber } from './panel.ts';
import { svgDocument } from './svg.ts';

/** Settings that are marked in the charts: the gateway's defaults. */
export type Defaults = Readonly<Record<FactorFinding['factor']['setting'], number>>;

/** A chart as a file. */
export interface Chart {
  readonly name: string;
  readonly svg: string;
}

const width = 760;
const edge = 14;
const panelHeight = 190;
const legendHeight = 26;

/** The charts of what was measured; none of what was not. */
export const chartsOf = (findings: Findings, defaults: Defaults): Chart[] => [
  ...(findings.latency.length === 0 ? [] : [latencyChart(findings)]),
  ...(findings.factors.some(({ paced }) => paced !== undefined) ? [factorsChart(findings, defaults)] : []),
  ...(findings.quotients.length === 0 ? [] : [quotientChart(findings)]),
];

const percentiles: readonly (readonly [string, keyof Percentiles])[] = [
  ['p50', 'p50Ms'],
  ['p95', 'p95Ms'],
  ['p99', 'p99Ms'],
  ['p99.9', 'p999Ms'],
];

const latencyChart = ({ latency }: Findings): Chart => {
  const panel = (title: string, of: (finding: (typeof latency)[number]) => Percentiles): Panel => ({
    title,
    unit: 'ms from the intended send time, logarithmic',
    labels: percentiles.map(([label]) => label),
    series: latency.map((finding) => ({
      name: `${shortNumber(finding.rate)}/s`,
      values: percentiles.map(([, name]) => of(finding)[name]),
    })),
    top: 0,
    logarithmic: true,
  });
  const panels = [
    panel('PUBLISH to PUBACK', ({ puback }) => puback),
    panel('PUBLISH to consumer', (each) => each.endToEnd),
  ];
  return chart('latency', 'Latency percentiles at each rate', [panels]);
};

const factorsChart = (findings: Findings, defaults: Defaults): Chart => {
  const columns = factors.map((factor) => {
    const found = findings.factors.filter((each) => each.factor.setting === factor.setting);
    return { factor, found, marked: factor.values.indexOf(defaults[factor.setting]) };
  });
  const row = (
    unit: string,
    rows: readonly { readonly name: string; readonly of: (finding: FactorFinding) => number | undefined }[],
  ): Panel[] => {
    const panels = columns.map(({ factor, found, marked }) => ({
      title: factor.title,
      unit,
      labels: factor.values.map(shortNumber),
      series: rows.map(({ name, of }): Series => ({ name, values: found.map(of) })),
      marked,
    }));
    const values = panels.flatMap(({ series }) => series.flatMap((each) => each.values.map((value) => value ?? 0)));
    // One scale for the whole row: factors are compared with each other.
    return panels.map((panel) => ({ ...panel, top: Math.max(...values) }));
  };
  const rate = shortNumber(rates[0] as number);
  return chart(
    'factors',
    'Linger, batch size and requests in flight, one at a time; dashed: the default',
    [
      row(`PUBACK at ${rate}/s, ms`, [
        { name: 'p50', of: ({ paced }) => paced?.puback.p50Ms },
        { name: 'p99', of: ({ paced }) => paced?.puback.p99Ms },
      ]),
      row(`CPU per message at ${rate}/s, µs`, [{ name: 'gateway', of: ({ paced }) => paced?.cpuUsPerMessage }]),
      row('acknowledged/s, saturated', [{ name: 'saturated', of: ({ saturatedPerSecond }) => saturatedPerSecond }]),
    ],
    ['p50', 'p99'],
  );
};

const quotientChart = ({ quotients }: Findings): Chart => {
  const connections = [...new Set(quotients.map((each) => each.connections))].sort((a, b) => a - b);
  const ascending = rates.toReversed();
  const panels = connections.map((count): Panel => {
    const here = quotients.filter((each) => each.connections === count);
    const at = (partitions: number, rate: number): number | undefined =>
      here.find((each) => each.partitions === partitions && each.rate === rate)?.quotient;
    return {
      title: `${count.toLocaleString('en')} connections`,
      unit: 'CPU per message, gateway ÷ limit',
      labels: ascending.map((rate) => `${shortNumber(rate)}/s`),
      series: partitionCounts.map((partitions) => ({
        name: partitions === 1 ? '1 partition' : `${partitions} partitions`,
        values: ascending.map((rate) => at(partitions, rate)),
      })),
      top: Math.max(...quotients.map(({ quotient }) => quotient)),
    };
  });
  return chart('cpu-quotient', 'CPU per message of the gateway, divided by that of the limit', [panels]);
};

/** Panels in rows of equal widths, with one legend: the series of the first panel unless other names are given. */
const chart = (
  name: string,
  title: string,
  rows: readonly (readonly Panel[])[],
  legend: readonly string[] = rows[0]?.[0]?.series.map((series) => series.name) ?? [],
): Chart => {
  const body = rows.flatMap((panels, row) => {
    const panelWidth = (width - 2 * edge) / panels.length;
    return panels.flatMap((panel, column) =>
      drawPanel(panel, {
        x: edge + column * panelWidth,
        y: edge + legendHeight + row * panelHeight,
        width: panelWidth,
        height: panelHeight,
      }),
    );
  });
  const height = 2 * edge + legendHeight + rows.length * panelHeight;
  return {
    name: `${name}.svg`,
    svg: svgDocument(width, height, title, [...drawLegend(legend, edge, edge + 12), ...body]),
  };
};
