import { describe, expect, it } from 'vitest';
import { Journal } from '../../../../bench/study/journal.ts';
import { keys } from '../../../../bench/study/keys.ts';
import { chartsOf } from '../../../../bench/study/report/charts.ts';
import { findingsOf } from '../../../../bench/study/report/findings.ts';
import { resultOf } from '../../../../bench/study/report/result.ts';
import { renderFindings } from '../../../../bench/study/report/tables.ts';
import { defaultStudyThresholds, studyShortfalls } from '../../../../bench/study/report/verdict.ts';
import { completeJournal, measured, sampleOptions } from './samples.ts';

const defaults = { lingerMs: 5, maxBatchBytes: 524_288, maxRequestsInFlightPerBroker: 2 };

describe('the findings of a study', () => {
  it('divide the CPU of the gateway by that of the limit under the same rate and connections', async () => {
    const { quotients } = findingsOf(await completeJournal(), sampleOptions);
    expect(quotients).toHaveLength(27);
    expect(quotients.filter(({ quotient }) => quotient === 2)).toHaveLength(26);
  });

  it('are medians over the rounds', async () => {
    const journal = await Journal.open(undefined);
    for (const [index, cost] of [30, 10, 20].entries()) {
      await journal.put(keys.throughput({ seconds: 10, round: index + 1 }), {
        ...measured(1),
        figures: { ...measured(1).figures, ackedPerSecond: cost },
      });
    }
    const findings = findingsOf(journal, { ...sampleOptions, rounds: 3 });
    expect(findings.saturatedPerSecond).toBe(20);
  });

  it('are of windows of the same length only', async () => {
    const findings = findingsOf(await completeJournal(), { ...sampleOptions, seconds: 3 });
    expect(findings).toMatchObject({ latency: [], quotients: [], saturatedPerSecond: undefined });
  });

  it('are of the parts that were asked for, whatever else the journal has', async () => {
    const findings = findingsOf(await completeJournal(), { ...sampleOptions, parts: ['latency'] });
    expect(findings).toMatchObject({ factors: [], quotients: [], saturatedPerSecond: undefined });
    expect(findings.latency.map(({ rate }) => rate)).toEqual([1000, 5000, 10_000]);
  });

  it('note where the server did not keep up, and where others used its core, each once', async () => {
    const journal = await completeJournal();
    const key = keys.limit({ rate: 1000, connections: 100 }, { seconds: 10, round: 1 });
    const figures = { ...measured(15).figures, ackedPerSecond: 500, foreignShare: 0.5 };
    await journal.put(key, measured(15, { askedPerSecond: 1000, figures }));
    expect(findingsOf(journal, sampleOptions).notes).toEqual([
      `${key}: 500/s were acknowledged where 1000/s were asked for`,
      `${key}: other programs took up to 50 % of the server's core; latency and rates suffer`,
    ]);
  });

  it('name what contradicted an acknowledgement', async () => {
    const journal = await completeJournal();
    const take = { seconds: 10, round: 1 };
    await journal.put(keys.throughput(take), measured(12, { problems: ['9 publishes were never acknowledged'] }));
    expect(findingsOf(journal, sampleOptions).problems).toEqual([
      `${keys.throughput(take)}: 9 publishes were never acknowledged`,
    ]);
  });
});

describe('the last line of a study', () => {
  it('has the percentiles at each rate, the spread of the quotient and the throughput', async () => {
    const result = resultOf(findingsOf(await completeJournal(), sampleOptions));
    expect(result.latency.at(-1)).toEqual({
      ratePerSecond: 10_000,
      puback: { p50Ms: 6, p95Ms: 12, p99Ms: 18, p999Ms: 24 },
      pubackWithConsumer: { p50Ms: 8, p95Ms: 16, p99Ms: 24, p999Ms: 32 },
      endToEnd: { p50Ms: 10, p95Ms: 20, p99Ms: 30, p999Ms: 40 },
    });
    expect(result.quotient).toEqual({ loads: 27, min: 2, max: 3, maxOverMin: 1.5 });
    expect(result.saturatedPerSecond).toBe(60_000);
    expect(result.spooledPerSecond).toEqual({ kafkaThere: 50_000, kafkaHalted: 80_000 });
  });

  it('is null where nothing was measured', async () => {
    const result = resultOf(findingsOf(await Journal.open(undefined), sampleOptions));
    const spooledPerSecond = { kafkaThere: null, kafkaHalted: null };
    expect(result).toEqual({ latency: [], quotient: null, saturatedPerSecond: null, spooledPerSecond });
    expect(studyShortfalls(result, defaultStudyThresholds)).toEqual([]);
  });
});

describe('the verdict of a study', () => {
  it('names each figure that is worse than allowed', async () => {
    const result = resultOf(findingsOf(await completeJournal(), sampleOptions));
    expect(studyShortfalls(result, defaultStudyThresholds)).toEqual([
      'quotient of CPU per message, largest ÷ smallest: 1.5, allowed 1.25',
    ]);
    const strict = {
      maxPubackP50Ms: 1,
      maxPubackP99Ms: 1,
      maxEndToEndP95Ms: 1,
      minSaturatedPerSecond: 1e6,
      maxQuotientSpread: 9,
    };
    expect(studyShortfalls(result, strict)).toEqual([
      'PUBACK p50 at 10000/s, ms: 6, allowed 1',
      'PUBACK p99 at 10000/s, ms: 18, allowed 1',
      'end to end p95 at 10000/s, ms: 20, allowed 1',
      'saturated, acknowledged/s: 60000, wanted 1000000',
    ]);
  });

  it('is bad when the spool takes less than Kafka, which an outage would show', async () => {
    const journal = await completeJournal();
    const { figures } = measured(12);
    const slow = measured(12, { figures: { ...figures, ackedPerSecond: 59_000 } });
    await journal.put(keys.spool('Kafka halted', { seconds: 10, round: 1 }), slow);
    const result = resultOf(findingsOf(journal, sampleOptions));
    expect(studyShortfalls(result, { ...defaultStudyThresholds, maxQuotientSpread: 9 })).toEqual([
      'out of the spool, acknowledged/s: 59000, to Kafka 60000',
    ]);
  });
});

describe('the tables of a study', () => {
  it('show every figure that was measured', async () => {
    const text = renderFindings(findingsOf(await completeJournal(), sampleOptions));
    expect(text).toMatch(/\| 10,000 +\| consumer +\| 10\.0 \| 20\.0 \| 30\.0 \| 40\.0/);
    expect(text).toMatch(/\| lingerMs +\| 20 /);
    expect(text).toContain('45.0 ÷ 15.0 = 3.00');
    expect(text).toContain('Over 27 loads 2 to 3, largest ÷ smallest 1.5.');
    expect(text).toContain('Saturated: 60,000 acknowledged/s.');
    expect(text).toContain('Saturated, out of the spool: Kafka there 50,000, Kafka halted 80,000 acknowledged/s.');
  });

  it('leave out what was not measured', async () => {
    const journal = await completeJournal();
    expect(renderFindings(findingsOf(journal, { ...sampleOptions, parts: ['throughput'] }))).toBe(
      'Saturated: 60,000 acknowledged/s.',
    );
    expect(renderFindings(findingsOf(await Journal.open(undefined), sampleOptions))).toBe('');
  });
});

describe('the charts of a study', () => {
  it('are small SVG documents for light and dark surroundings', async () => {
    const charts = chartsOf(findingsOf(await completeJournal(), sampleOptions), defaults);
    expect(charts.map(({ name }) => name)).toEqual(['latency.svg', 'factors.svg', 'cpu-quotient.svg']);
    for (const { svg } of charts) {
      expect(svg).toMatch(/^<svg [\s\S]+<\/svg>\n$/);
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.length).toBeLessThan(30_000);
    }
  });

  it('are not drawn of what was not measured', async () => {
    const options = { ...sampleOptions, parts: ['latency'] } as const;
    const charts = chartsOf(findingsOf(await completeJournal(), options), defaults);
    expect(charts.map(({ name }) => name)).toEqual(['latency.svg']);
  });
});
