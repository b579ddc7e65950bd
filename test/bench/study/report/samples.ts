import type { Percentiles } from '../../../../bench/load/latencies.ts';
import { Journal } from '../../../../bench/study/journal.ts';
import { keys } from '../../../../bench/study/keys.ts';
import type { Measured } from '../../../../bench/study/measured.ts';
import { type StudyOptions, studyParts } from '../../../../bench/study/parts.ts';
import { factors, quotientCases, rates } from '../../../../bench/study/plan.ts';

export const sampleOptions: StudyOptions = {
  parts: studyParts,
  seconds: 10,
  warmUpSeconds: 5,
  brokerWarmUpSeconds: 60,
  rounds: 1,
  grid: 'full',
  journalFile: undefined,
  profileDir: undefined,
};

export const percentiles = (p50Ms: number): Percentiles => ({
  p50Ms,
  p95Ms: 2 * p50Ms,
  p99Ms: 3 * p50Ms,
  p999Ms: 4 * p50Ms,
  maxMs: 5 * p50Ms,
});

export const measured = (cpuUsPerMessage: number, changes: Partial<Measured> = {}): Measured => ({
  askedPerSecond: 10_000,
  figures: {
    cpuUsPerMessage,
    ackedPerSecond: 10_000,
    pubackP50Ms: 6,
    pubackP95Ms: 12,
    pubackP99Ms: 18,
    serverShare: 0.3,
    loadShare: 0.2,
    loadCoreShare: 0.9,
    stolenShare: 0,
    foreignShare: 0,
  },
  puback: percentiles(6),
  consumer: undefined,
  problems: [],
  ...changes,
});

/** A journal in which everything was measured; the quotient is 2 everywhere, but for 3 at one corner. */
export const completeJournal = async (round = 1): Promise<Journal> => {
  const journal = await Journal.open(undefined);
  const take = { seconds: 10, round };
  for (const rate of rates) {
    const consumer = { latency: percentiles(10), records: 100, cpuUsPerRecord: 12 };
    await journal.put(keys.latency(rate, 'no consumer', take), measured(30));
    await journal.put(keys.latency(rate, 'one consumer', take), measured(34, { consumer, puback: percentiles(8) }));
  }
  for (const factor of factors) {
    for (const value of factor.values) {
      await journal.put(keys.factor(factor, value, 'paced', take), measured(30));
      await journal.put(keys.factor(factor, value, 'saturated', take), measured(12, { askedPerSecond: undefined }));
    }
  }
  for (const each of quotientCases('full')) {
    const isCorner = each.rate === 1000 && each.connections === 10_000 && each.partitions === 64;
    await journal.put(keys.limit(each, take), measured(15));
    await journal.put(keys.gateway(each, take), measured(isCorner ? 45 : 30));
  }
  const saturated = { ...measured(12).figures, ackedPerSecond: 60_000.4 };
  await journal.put(keys.throughput(take), measured(12, { figures: saturated }));
  for (const [how, ackedPerSecond] of [
    ['Kafka there', 50_000],
    ['Kafka halted', 80_000],
  ] as const) {
    await journal.put(keys.spool(how, take), measured(12, { figures: { ...saturated, ackedPerSecond } }));
  }
  return journal;
};
