import type { FleetSample } from '../fleet/fleet-process.ts';
import type { GatewayObservation, Mark, TimelineRecord } from '../result.ts';
import { type ChartSeries, type TimeChart, timeChart } from './time-chart.ts';

type Span = NonNullable<TimeChart['spans']>[number];
type SampleSeries = readonly [name: string, read: (sample: FleetSample) => number];

/** Low, so that all panels of a scenario can be seen at once; the first has room for what the marks say. */
const height = 150;
const firstHeight = 300;
/** Without an answer in a second there is no latency to show, nor memory without a process: the line breaks. */
const nothing = Number.NaN;
const shown = (value: number): number => (value === 0 ? nothing : value);

/** The panels of one scenario above each other, all over the same time, each with the phases and the faults; SVG. */
export function timelineCharts({ marks, samples, observations }: TimelineRecord): string[] {
  const [first] = marks;
  const last = Math.max(...[...samples, ...observations].map(({ atMs }) => atMs));
  if (first === undefined || samples.length === 0) return [];
  const at = (atMs: number): number => (atMs - first.atMs) / 1000;
  const common = {
    ...{ height, markLabels: false },
    marks: marks.filter(({ kind }) => kind === 'fault').map(({ atMs, label }) => ({ atS: at(atMs), label })),
    spans: phaseSpans(marks, last, at),
  };
  const ofFleet = ([name, read]: SampleSeries): ChartSeries => ({
    name,
    points: samples.map((sample) => [at(sample.atMs), read(sample)] as const),
  });
  const panel = (title: string, unit: string, ...series: SampleSeries[]): TimeChart => ({
    ...common,
    ...{ title, unit, series: series.map(ofFleet) },
  });
  return [
    {
      ...panel('rate', '1/s', ['answered', ({ acked, rejected }) => acked + rejected], ['sent', ({ sent }) => sent]),
      ...{ height: firstHeight, markLabels: true },
    },
    {
      ...panel('latency', 'ms', ['p50', ({ p50Ms }) => shown(p50Ms)], ['p99', ({ p99Ms }) => shown(p99Ms)]),
      logarithmic: true,
    },
    panel(
      'unanswered',
      'publishes',
      ['in flight', ({ inFlight }) => inFlight],
      ['outstanding', ({ outstanding }) => outstanding],
    ),
    panel('connected', 'devices', ['connected', ({ connected }) => connected]),
    {
      ...common,
      ...{ title: "the gateway's memory", unit: 'MB' },
      spans: notReadySpans(observations).map(([from, to]) => ({ fromS: at(from), toS: at(to), label: 'not ready' })),
      series: [memorySeries(observations, at)],
    },
  ].map(timeChart);
}

function memorySeries(observations: readonly GatewayObservation[], at: (atMs: number) => number): ChartSeries {
  const points = observations.map(({ atMs, residentBytes }) => [at(atMs), shown(residentBytes / 1024 / 1024)] as const);
  return { name: 'resident', points };
}

/** Every other phase has a ground, so that they can be told apart. */
function phaseSpans(marks: readonly Mark[], lastMs: number, at: (atMs: number) => number): Span[] {
  const phases = marks.filter(({ kind }) => kind === 'phase');
  return phases
    .map(({ atMs, label }, index) => ({
      fromS: at(atMs),
      toS: at(Math.max(atMs, phases[index + 1]?.atMs ?? lastMs)),
      label,
    }))
    .filter((_, index) => index % 2 === 0);
}

/** Times in which the gateway was not ready, or not there; milliseconds as given. */
export function notReadySpans(observations: readonly GatewayObservation[]): (readonly [number, number])[] {
  const spans: (readonly [number, number])[] = [];
  let since: number | undefined;
  for (const { atMs, ready } of observations) {
    if (!ready) {
      since ??= atMs;
    } else if (since !== undefined) {
      spans.push([since, atMs]);
      since = undefined;
    }
  }
  const last = observations.at(-1);
  if (since !== undefined && last !== undefined) spans.push([since, last.atMs]);
  return spans;
}
