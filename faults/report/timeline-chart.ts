import type { GatewayObservation, TimelineRecord } from '../result.ts';
import { type Panel, renderChart, type Series } from './chart.ts';

/** The timeline of one scenario as inline SVG; a sentence when nothing was recorded. */
export function renderTimeline(timeline: TimelineRecord): string {
  const { marks, samples, observations } = timeline;
  const times = [...marks, ...samples, ...observations].map(({ atMs }) => atMs);
  if (samples.length === 0 || times.length === 0) return '<p>The fleet never ran.</p>';
  const fromMs = Math.min(...times);
  const toMs = Math.max(...times);
  return renderChart({ fromMs, toMs, marks, panels: panelsOf(timeline), notReady: notReadySpans(observations) });
}

function panelsOf({ samples, observations }: TimelineRecord): Panel[] {
  type Sample = (typeof samples)[number];
  const line = (label: string, tone: Series['tone'], read: (sample: Sample) => number | undefined): Series => ({
    label,
    tone,
    points: samples.map((sample) => [sample.atMs, read(sample)] as const),
  });
  // Without an answer in a second there is no latency to show, and 0 would be a lie.
  const ifAnswered = (read: (sample: Sample) => number) => (sample: Sample) =>
    sample.acked + sample.rejected === 0 ? undefined : read(sample);
  return [
    {
      title: 'messages/s',
      series: [line('answered', 'a', ({ acked, rejected }) => acked + rejected), line('sent', 'b', ({ sent }) => sent)],
    },
    {
      title: 'PUBACK, ms',
      series: [
        line(
          'p50',
          'a',
          ifAnswered(({ p50Ms }) => p50Ms),
        ),
        line(
          'p99',
          'b',
          ifAnswered(({ p99Ms }) => p99Ms),
        ),
      ],
    },
    {
      title: 'unanswered',
      series: [
        line('in flight', 'a', ({ inFlight }) => inFlight),
        line('outstanding', 'b', ({ outstanding }) => outstanding),
      ],
    },
    { title: 'connected', series: [line('devices', 'a', ({ connected }) => connected)] },
    {
      title: 'gateway, MB',
      series: [
        {
          label: 'resident',
          tone: 'a',
          points: observations.map(
            ({ atMs, running, residentBytes }) =>
              [atMs, running && residentBytes > 0 ? residentBytes / 1024 / 1024 : undefined] as const,
          ),
        },
      ],
    },
  ];
}

/** Times in which the gateway was not ready, as spans; the first look of a run that starts ready opens none. */
export function notReadySpans(observations: readonly GatewayObservation[]): (readonly [number, number])[] {
  const spans: (readonly [number, number])[] = [];
  let since: number | undefined;
  for (const { atMs, ready } of observations) {
    if (!ready) since ??= atMs;
    else if (since !== undefined) {
      spans.push([since, atMs]);
      since = undefined;
    }
  }
  const last = observations.at(-1);
  if (since !== undefined && last !== undefined) spans.push([since, last.atMs]);
  return spans;
}
