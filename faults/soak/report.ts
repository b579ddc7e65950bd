import { cpus } from 'node:os';
import { escapeHtml, htmlPage, htmlTable } from '../report/html-page.ts';
import { type TimeChart, timeChart } from '../report/time-chart.ts';
import { collectionEveryS } from './memory/floor.ts';
import type { MemorySample } from './memory/sample.ts';
import type { MemoryTrend } from './memory/verdict.ts';
import { answeredPerSecond, examplesOf, type SoakMeasurements, soakProblems } from './result.ts';

type Row = readonly [what: string, figure: string, bad?: boolean];

/** The figures of a soak, for people. */
export function soakRows(measured: SoakMeasurements): Row[] {
  const { verdict, fleet, memory, disturbances, duplicateBound, seconds, cpu } = measured;
  const perSecond = (cpuS: number): string => `${((cpuS / seconds) * 100).toFixed(0)} % of a core`;
  return [
    ['length, rate', `${(seconds / 60).toFixed(1)} min, ${whole(answeredPerSecond(measured))} answered/s`],
    ['sent / acknowledged / rejected', [verdict.sent, verdict.acked, verdict.rejected].map(whole).join(' / ')],
    ['lost', whole(verdict.lost), verdict.lost > 0],
    ['phantom', whole(verdict.phantom), verdict.phantom > 0],
    ['out of order', whole(verdict.outOfOrder), verdict.outOfOrder > 0],
    ['vehicles on two partitions', whole(verdict.split), verdict.split > 0],
    ['unanswered', whole(verdict.unanswered), verdict.unanswered > 0],
    [
      'duplicated (explained by what was sent again)',
      `${whole(verdict.duplicated)} (${whole(duplicateBound)})`,
      verdict.duplicated > duplicateBound,
    ],
    [
      'connections lost (reset on purpose), leader moves',
      `${whole(fleet.disconnects)} (${whole(disturbances.connectionsReset)}), ${disturbances.leaderMoves}`,
    ],
    [
      'PUBACK p50 / p95 / p99 / p99.9 / max, ms',
      [fleet.p50Ms, fleet.p95Ms, fleet.p99Ms, fleet.p999Ms, fleet.maxMs].map((ms) => ms.toFixed(0)).join(' / '),
    ],
    ...memory.trends.map((trend): Row => [`memory: ${trend.name}`, describeTrend(trend), trend.trend === 'growing']),
    [
      'memory: windows',
      `${memory.windows} of ${collectionEveryS} s from ${clock(measured.steadyFromS)} on, ${memory.collectedWindows} with a full collection`,
    ],
    ['CPU: gateway, fleet', `${perSecond(cpu.gatewayS)}, ${perSecond(cpu.fleetS)}`],
    ['read back', `${whole(verdict.inKafka + verdict.inDeadLetters)} messages in ${measured.judgedInS.toFixed(0)} s`],
  ];
}

/** Rows as text, one per line. */
export function renderRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([what]) => what.length));
  return rows.map(([what, figure, bad]) => `${what.padEnd(width)}  ${figure}${bad ? '  BAD' : ''}`).join('\n');
}

/** The whole report as a page that needs nothing but itself. */
export function soakPage(measured: SoakMeasurements): string {
  const { options, startedAtMs } = measured;
  const problems = soakProblems(measured);
  const command = `npm run soak -- --minutes ${options.minutes} --rate ${options.rate} --vehicles ${options.vehicles} --seed ${options.seed}`;
  const rows = soakRows(measured).map(([what, figure, bad]) => [
    what,
    bad === undefined ? figure : { text: figure, mood: bad ? ('bad' as const) : ('good' as const) },
  ]);
  const verdict =
    problems.length === 0
      ? `<p class="good">Nothing was lost, and memory is ${escapeHtml(measured.memory.trend)}.</p>`
      : problems.map(({ text }) => `<p class="bad">${escapeHtml(text)}</p>`).join('\n');
  return htmlPage(`Soak of ${(measured.seconds / 60).toFixed(0)} minutes at ${options.rate} messages/s`, [
    `<p>${new Date(startedAtMs).toISOString()}, Node ${process.version}, ${cpus().length} × ${escapeHtml(cpus()[0]?.model ?? 'unknown CPU')}; brokers, gateway and fleet on one machine.<br><code>${escapeHtml(command)}</code></p>`,
    verdict,
    htmlTable(['figure', 'value'], rows),
    '<h2>Memory of the gateway</h2>',
    '<p>The line is fitted to the lowest value of each window (dots): what is left after a garbage collection. V8 resizes its young generation with the load; in this run it is held at its largest, 128 MiB.</p>',
    ...measured.memory.trends.map((trend, index) =>
      timeChart(
        memoryChart(measured, trend, index === 0 ? ({ heapUsed, external }) => heapUsed + external : ({ rss }) => rss),
      ),
    ),
    '<h2>Traffic</h2>',
    timeChart(rateChart(measured)),
    timeChart(latencyChart(measured)),
    ...listExamples(measured),
  ]);
}

function memoryChart(
  measured: SoakMeasurements,
  trend: MemoryTrend,
  value: (sample: MemorySample) => number,
): TimeChart {
  const mb = (bytes: number): number => bytes / 1e6;
  return {
    title: `${trend.name}: ${describeTrend(trend)}`,
    unit: 'MB',
    series: [
      { name: trend.name, points: measured.memorySamples.map((sample) => [sample.atS, mb(value(sample))]) },
      { name: 'floor', style: 'dots', points: trend.floor.map(([atS, bytes]) => [atS, mb(bytes)]) },
      { name: 'fitted', style: 'fit', points: trend.line.map(([atS, bytes]) => [atS, mb(bytes)]) },
    ],
    spans: [{ fromS: 0, toS: measured.steadyFromS, label: 'start-up' }],
    marks: marks(measured),
  };
}

function rateChart(measured: SoakMeasurements): TimeChart {
  return {
    title: 'Messages and lost connections',
    unit: '1/s',
    series: [
      { name: 'answered', points: figures(measured, ({ acked, rejected }) => acked + rejected) },
      { name: 'outstanding', points: figures(measured, ({ outstanding }) => outstanding) },
      { name: 'connections lost', points: figures(measured, ({ disconnects }) => disconnects) },
    ],
    marks: marks(measured),
  };
}

function latencyChart(measured: SoakMeasurements): TimeChart {
  return {
    title: 'PUBLISH to PUBACK, from the intended time',
    unit: 'ms',
    logarithmic: true,
    series: [
      { name: 'p50', points: figures(measured, ({ p50Ms }) => p50Ms || Number.NaN) },
      { name: 'p99', points: figures(measured, ({ p99Ms }) => p99Ms || Number.NaN) },
      { name: 'max', points: figures(measured, ({ maxMs }) => maxMs || Number.NaN) },
    ],
    marks: marks(measured),
  };
}

type FleetFigures = SoakMeasurements['timeline']['samples'][number];

function figures(
  { timeline, startedAtMs }: SoakMeasurements,
  value: (sample: FleetFigures) => number,
): (readonly [number, number])[] {
  return timeline.samples.map((sample) => [(sample.atMs - startedAtMs) / 1000, value(sample)]);
}

function marks({ timeline, startedAtMs }: SoakMeasurements) {
  return timeline.marks
    .filter(({ kind }) => kind === 'fault')
    .map(({ atMs, label }) => ({ atS: (atMs - startedAtMs) / 1000, label }));
}

function listExamples(measured: SoakMeasurements): string[] {
  const items = examplesOf(measured).map((example) => `<li>${escapeHtml(example)}</li>`);
  return items.length === 0 ? [] : ['<h2>Examples of what was found</h2>', `<ul>${items.join('')}</ul>`];
}

/** Slope and interval in words, e.g. `flat: 0.4 MB/h (−1.2 to 2.1), around 62 MB`. */
export function describeTrend(trend: MemoryTrend): string {
  if (!Number.isFinite(trend.slopeMbPerHour)) return `${trend.trend}: too short to see a slope`;
  const [slope, low, high] = [trend.slopeMbPerHour, trend.lowMbPerHour, trend.highMbPerHour].map(signed);
  const { settledMbPerHour, levelBytes } = trend;
  const settled = settledMbPerHour === undefined ? '' : `, over the second half ${signed(settledMbPerHour)}`;
  return `${trend.trend}: ${slope} MB/h (95 %: ${low} to ${high})${settled}, around ${(levelBytes / 1e6).toFixed(0)} MB`;
}

function signed(value: number): string {
  return value.toFixed(1).replace('-', '−');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
