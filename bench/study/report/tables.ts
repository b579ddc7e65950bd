import type { Percentiles } from '../../load/latencies.ts';
import { partitionCounts, rates } from '../plan.ts';
import type { Findings, QuotientFinding } from './findings.ts';
import { spreadOf } from './result.ts';

type Row = readonly string[];

/** The findings as Markdown tables, ready for a document; only those of what was measured. */
export const renderFindings = (findings: Findings): string =>
  [
    latencyTable(findings),
    factorTable(findings),
    quotientTable(findings.quotients),
    throughputLine(findings),
    spoolLine(findings),
  ]
    .filter((part) => part !== '')
    .join('\n\n');

const latencyTable = ({ latency }: Findings): string => {
  const percentiles = ({ p50Ms, p95Ms, p99Ms, p999Ms, maxMs }: Percentiles): string[] =>
    [p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map((value) => value.toFixed(1));
  return table(
    ['messages/s', 'ms from the intended send time to', 'p50', 'p95', 'p99', 'p99.9', 'max', 'gateway µs CPU/msg'],
    latency.flatMap(({ rate, puback, pubackWithConsumer, endToEnd, cpuUsPerMessage }) => [
      [count(rate), 'PUBACK', ...percentiles(puback), cpuUsPerMessage.toFixed(1)],
      [count(rate), 'PUBACK, with a consumer', ...percentiles(pubackWithConsumer), ''],
      [count(rate), 'consumer', ...percentiles(endToEnd), ''],
    ]),
  );
};

const factorTable = ({ factors }: Findings): string =>
  table(
    ['setting', 'value', 'p50 ms', 'p99 ms', 'µs CPU/msg', 'saturated/s'],
    factors
      .filter(({ paced, saturatedPerSecond }) => paced !== undefined || saturatedPerSecond !== undefined)
      .map(({ factor, value, paced, saturatedPerSecond }) => [
        factor.setting,
        count(value),
        paced?.puback.p50Ms.toFixed(1) ?? '',
        paced?.puback.p99Ms.toFixed(1) ?? '',
        paced?.cpuUsPerMessage.toFixed(1) ?? '',
        saturatedPerSecond === undefined ? '' : count(saturatedPerSecond),
      ]),
  );

/** One row per number of connections and partitions: gateway µs ÷ limit µs = quotient, at each rate. */
const quotientTable = (quotients: readonly QuotientFinding[]): string => {
  const spread = spreadOf(quotients);
  if (spread === null) return '';
  const ascending = rates.toReversed();
  const connections = [...new Set(quotients.map((each) => each.connections))].sort((a, b) => a - b);
  const rows = connections.flatMap((of) =>
    partitionCounts.map((partitions) => [
      count(of),
      count(partitions),
      ...ascending.map((rate) => cell(quotients.find((each) => isAt(each, rate, of, partitions)))),
    ]),
  );
  const measured = rows.filter((row) => row.slice(2).some((text) => text !== ''));
  const header = ['connections', 'partitions', ...ascending.map((rate) => `${count(rate)}/s`)];
  const { min, max, maxOverMin, loads } = spread;
  return `${table(header, measured)}\n\nµs CPU per message, gateway ÷ limit. Over ${loads} loads ${min} to ${max}, largest ÷ smallest ${maxOverMin}.`;
};

const isAt = (each: QuotientFinding, rate: number, connections: number, partitions: number): boolean =>
  each.rate === rate && each.connections === connections && each.partitions === partitions;

const cell = (found: QuotientFinding | undefined): string =>
  found === undefined
    ? ''
    : `${found.gatewayUs.toFixed(1)} ÷ ${found.limitUs.toFixed(1)} = ${found.quotient.toFixed(2)}`;

const throughputLine = ({ saturatedPerSecond }: Findings): string =>
  saturatedPerSecond === undefined ? '' : `Saturated: ${count(saturatedPerSecond)} acknowledged/s.`;

const spoolLine = ({ spooled }: Findings): string =>
  spooled.length === 0
    ? ''
    : `Saturated, out of the spool: ${spooled.map(({ how, perSecond }) => `${how} ${count(perSecond)}`).join(', ')} acknowledged/s.`;

const count = (value: number): string => Math.round(value).toLocaleString('en');

/** Empty without rows. Columns are padded, so that it reads well in a terminal, too. */
const table = (header: Row, rows: readonly Row[]): string => {
  if (rows.length === 0) return '';
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const render = (row: Row): string => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [render(header), rule, ...rows.map(render)].join('\n');
};
