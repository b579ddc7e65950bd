import type { Finding } from '../core/reconcile.ts';
import type { Verification } from '../verify/verify.ts';
import type { LatencySummary } from './latency.ts';

/** Counts of a run, so far or in all. */
export interface Totals {
  readonly devices: number;
  readonly connected: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly latency: LatencySummary;
  readonly reconnects: number;
  /** Messages that the schedule wanted and a full backlog refused. */
  readonly overflowed: number;
}

/** How a run stands. */
export interface Progress extends Totals {
  readonly phase: 'connecting' | 'sending' | 'draining';
  readonly elapsedSeconds: number;
  /** How long the phase takes at most; Infinity when that is not known. */
  readonly totalSeconds: number;
  /** Why the last connection failed or was lost. */
  readonly trouble: string | undefined;
  /** Acknowledgements per second, lately. */
  readonly acknowledgedPerSecond: number;
}

/** How a run ended. */
export interface RunFigures extends Totals {
  readonly resent: number;
  /** Accepted from the schedule, and never written. */
  readonly neverSent: number;
  /** Written, and not answered. */
  readonly unanswered: number;
  /** Why connections failed or were lost, most frequent first. */
  readonly connectionFailures: readonly (readonly [reason: string, times: number])[];
  /** Reason codes of negative acknowledgements, most frequent first. */
  readonly rejections: readonly (readonly [code: string, times: number])[];
  readonly verification: Verification | undefined;
}

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const whole = (value: number): string => number.format(value);

/** `3.42 ms`, `118 ms`, `12.3 s`. */
export function duration(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** The lines that show progress. */
export function progressLines(p: Progress): string[] {
  const trouble = p.connected < p.devices && p.trouble !== undefined ? ` (${p.trouble})` : '';
  const extras = [
    p.rejected > 0 ? `, rejected ${whole(p.rejected)}` : '',
    p.reconnects > 0 ? `, reconnects ${whole(p.reconnects)}` : '',
    p.overflowed > 0 ? `, not sent (backlog full) ${whole(p.overflowed)}` : '',
  ].join('');
  const of = Number.isFinite(p.totalSeconds) ? ` of ${p.totalSeconds.toFixed(0)}` : '';
  return [
    `${p.phase} ${p.elapsedSeconds.toFixed(0)}${of} s, connected ${whole(p.connected)} of ${whole(p.devices)}${trouble}`,
    `  published ${whole(p.published)}, acknowledged ${whole(p.acknowledged)} (${whole(p.acknowledgedPerSecond)}/s), in flight ${whole(p.inFlight)}${extras}`,
    `  latency ${latencyText(p.latency)}`,
  ];
}

const latencyText = ({ p50Ms, p95Ms, p99Ms, maxMs }: LatencySummary): string =>
  `p50 ${duration(p50Ms)}, p95 ${duration(p95Ms)}, p99 ${duration(p99Ms)}, max ${duration(maxMs)}`;

const labels: Readonly<Record<Finding, string>> = {
  lost: 'lost (acknowledged, not in Kafka)',
  phantom: 'phantom (in Kafka, never sent)',
  duplicated: 'duplicated',
  outOfOrder: 'out of order',
  wrongPartition: 'wrong partition or key',
  wrongId: 'wrong event id',
};

/** The table at the end. */
export function finalReport(run: RunFigures): string[] {
  const rows: [label: string, value: number][] = [
    ['sent', run.published],
    ['acknowledged', run.acknowledged],
    ['rejected', run.rejected],
    ['sent, never answered', run.unanswered],
  ];
  if (run.neverSent + run.overflowed > 0) rows.push(['wanted, never sent', run.neverSent + run.overflowed]);
  if (run.resent > 0) rows.push(['sent again after a reconnect', run.resent]);
  const { verification } = run;
  const examples: string[] = [];
  if (verification) {
    rows.push(['in Kafka', verification.inKafka]);
    for (const [finding, label] of Object.entries(labels) as [Finding, string][]) {
      rows.push([label, verification[finding]]);
      if (finding !== 'duplicated') examples.push(...verification.examples[finding].map((e) => `  ${finding}: ${e}`));
    }
  }
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `  ${label.padEnd(width)}  ${whole(value).padStart(12)}`);
  const title = verification ? 'Reconciliation with Kafka' : 'Result (Kafka was not read back)';
  const reasons = [
    ...run.connectionFailures.map(([reason, times]) => `  connection: ${reason} (${whole(times)} times)`),
    ...run.rejections.map(([code, times]) => `  rejected: ${code} (${whole(times)} times)`),
  ];
  return [title, ...lines, `  PUBACK latency  ${latencyText(run.latency)}`, ...reasons, ...examples];
}

/** The figures of the last line of output. What was not verified is null. */
export interface Verdict {
  readonly sent: number;
  readonly acked: number;
  readonly inKafka: number | null;
  readonly lost: number | null;
  readonly duplicated: number | null;
  readonly outOfOrder: number | null;
  readonly wrongPartition: number | null;
  readonly pubackP50Ms: number | null;
  readonly pubackP99Ms: number | null;
}

export function verdictOf({ published, acknowledged, verification, latency }: RunFigures): Verdict {
  const rounded = (ms: number): number | null => (Number.isNaN(ms) ? null : Math.round(ms * 1000) / 1000);
  return {
    sent: published,
    acked: acknowledged,
    inKafka: verification?.inKafka ?? null,
    lost: verification?.lost ?? null,
    duplicated: verification?.duplicated ?? null,
    outOfOrder: verification?.outOfOrder ?? null,
    wrongPartition: verification?.wrongPartition ?? null,
    pubackP50Ms: rounded(latency.p50Ms),
    pubackP99Ms: rounded(latency.p99Ms),
  };
}

/** Everything that makes a run a failure, in words; empty when it was good. Duplicates are allowed: redelivery makes them. */
export function faults({ published, acknowledged, verification }: RunFigures): string[] {
  const found: string[] = [];
  if (published === 0) found.push('nothing was sent');
  else if (acknowledged === 0) found.push('nothing was acknowledged');
  if (!verification) return found;
  for (const finding of ['lost', 'phantom', 'outOfOrder', 'wrongPartition', 'wrongId'] as const) {
    if (verification[finding] > 0) found.push(`${whole(verification[finding])} × ${labels[finding]}`);
  }
  return found;
}
