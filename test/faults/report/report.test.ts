import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../faults/report/html.ts';
import { renderTable } from '../../../faults/report/table.ts';
import { notReadySpans, timelineCharts } from '../../../faults/report/timeline-charts.ts';
import { figuresOf, type MutantResult, type ScenarioRun } from '../../../faults/result.ts';
import { goodRun, lossyRun, notRun, observation, sample } from '../samples.ts';

const caught: MutantResult = {
  ...{ name: 'early', what: 'answers too early', expects: 'lost', caught: true },
  ...{ run: { ...lossyRun, mutant: 'early' }, control: undefined },
};
const missed: MutantResult = { ...caught, name: 'late', caught: false, run: { ...goodRun, mutant: 'late' } };

const withTimeline: ScenarioRun = {
  ...goodRun,
  timeline: {
    marks: [
      { atMs: 1000, kind: 'phase', label: 'warm-up' },
      { atMs: 2000, kind: 'phase', label: 'fault' },
      { atMs: 2500, kind: 'fault', label: 'broker 1 killed <at once>' },
    ],
    samples: [sample(2000), sample(3000, { acked: 0, rejected: 0, p50Ms: 0, p99Ms: 0 }), sample(4000)],
    observations: [observation(1500), observation(2600, { ready: false }), observation(3100)],
  },
};

describe('the summary table', () => {
  it('has a row for each scenario with its figures and its state', () => {
    const lines = renderTable([goodRun, lossyRun, notRun], []).split('\n');
    expect(lines[0]).toMatch(/^scenario +seed +s +acked +rejected +lost +phantom .* bound +recovery s/);
    expect(lines[1]).toMatch(/^none +7 +12\.3 +90 +10 +0 +0 +0 +0 +3 +7 +1\.5 +ok$/);
    expect(lines[2]).toMatch(/^leader-kill .* RED$/);
    expect(lines[3]).toMatch(/^broker-disk-full +7 +–.* NOT RUN$/);
  });

  it('says below what is wrong, with the seed and examples, and why something was not run', () => {
    const table = renderTable([lossyRun, notRun], []);
    expect(table).toContain('RED leader-kill (seed 7): lost: 2 lost: answered, and not on Kafka');
    expect(table).toContain('lost: veh-1 sequence 3');
    expect(table).toContain('NOT RUN broker-disk-full: no user namespaces');
  });

  it('tells which mutants were caught, and what was found instead', () => {
    const table = renderTable([goodRun], [caught, missed]);
    expect(table).toContain('caught      early in leader-kill: must be red for lost, found: lost');
    expect(table).toContain('NOT CAUGHT  late in none: must be red for lost, found: nothing');
    const noisy = renderTable([goodRun], [{ ...caught, caught: false, control: lossyRun }]);
    expect(noisy).toContain(
      'NOT CAUGHT  early in leader-kill: must be red for lost, found: lost; without the mistake: lost',
    );
  });
});

describe('the timeline of a scenario', () => {
  it('is drawn in five panels over the same time, each with the fault', () => {
    const charts = timelineCharts(withTimeline.timeline);
    expect(charts).toHaveLength(5);
    for (const chart of charts) expect(chart).toContain('<title>broker 1 killed &lt;at once&gt;</title>');
    // In words only once.
    expect(charts.filter((chart) => chart.includes('rotate(90)'))).toHaveLength(1);
  });

  it('is empty when the fleet never ran', () => {
    expect(timelineCharts(goodRun.timeline)).toEqual([]);
  });

  it('shows when the gateway was not ready, also when it stayed so', () => {
    const looks = [
      observation(1, { ready: false }),
      observation(2, { ready: false }),
      observation(3),
      observation(4, { ready: false }),
      observation(5, { ready: false }),
    ];
    expect(notReadySpans(looks)).toEqual([
      [1, 3],
      [4, 5],
    ]);
  });
});

describe('the HTML report', () => {
  const results = [withTimeline, lossyRun, notRun];
  const html = renderHtml({
    ...{ command: 'npm run faults -- --html "<x>"', environment: 'Node', startedAt: new Date(0) },
    ...{ results, mutants: [caught, missed], figures: figuresOf(results, [caught, missed]) },
  });

  it('needs nothing but itself', () => {
    expect(html).not.toMatch(/<script|<link|<img|src=|https?:/);
  });

  it('follows the preference for light or dark', () => {
    expect(html).toContain('prefers-color-scheme: dark');
  });

  it('holds the pictures, the problems, the mutants, and what was typed, escaped', () => {
    expect(html.match(/<svg/g)).toHaveLength(5);
    expect(html).toContain('RED leader-kill (seed 7): lost');
    expect(html).toContain('NOT RUN');
    expect(html).toContain('NOT CAUGHT');
    expect(html).toContain('--html &quot;&lt;x&gt;&quot;');
  });
});
