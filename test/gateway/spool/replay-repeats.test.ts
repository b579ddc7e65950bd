import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeFiles } from '../../../gateway/spool/file-layer.ts';
import type { SpoolSettings } from '../../../gateway/spool/settings.ts';
import { surveySpool } from '../../../gateway/spool/survey.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { assemble, FakeTarget, limits, settingsFor, TestDirectory } from './support.ts';

const keys = 10;
const records = 6000;
/** A batch of each of the two topics. */
const partly = 2 * limits.maxBatchRecords;

const wait = (what: string, holds: () => boolean | Promise<boolean>) =>
  waitFor(holds, { deadlineMs: 10_000, everyMs: 5, what });

/** Leaves records of two topics and ten keys in the directory. */
async function leave(settings: SpoolSettings): Promise<void> {
  const { sink, close } = await assemble(settings);
  const settlements = new Settlements();
  for (let i = 0; i < records; i++) {
    const topic = Math.floor(i / keys) % 5 === 0 ? 'raw' : 'events';
    sink.append(topic, `k${i % keys}`, 1, textEncoder, `r${i}`, settlements.of(`r${i}`));
  }
  await wait('answers', () => settlements.settled.length === records);
  await close();
}

/** Of the backlog in the directory. */
async function unsettledOnDisk(directory: string): Promise<number> {
  const { segments } = await surveySpool(nodeFiles, directory);
  return segments.reduce((sum, segment) => sum + segment.records, 0);
}

/** What Kafka would have twice, had the gateway been killed now. */
async function repeatedByCrash(settings: SpoolSettings, target: FakeTarget): Promise<number> {
  const directory = `${settings.directory}-killed`;
  cpSync(settings.directory, directory, { recursive: true, filter: (path) => !path.endsWith('lock') });
  const stored = new Set(target.log.map(({ value }) => value));
  const later = new FakeTarget();
  const { spool, close } = await assemble({ ...settings, directory }, later);
  await wait('the replay after the crash', () => spool.depth().records === 0);
  await close();
  const values = later.log.map(({ value }) => value);
  expect(new Set([...stored, ...values]).size).toBe(records);
  return values.filter((value) => stored.has(value)).length;
}

test.each([
  { part: 'half of it', delivered: 3000 },
  { part: 'nearly all of it', delivered: 5990 },
])('a crash when Kafka has taken $part repeats no batch that Kafka had whole', async ({ delivered }) => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path, { replayMaxRecords: 1000, afterMs: 60_000 });
  await leave(settings);
  const target = new FakeTarget();
  target.goDown();
  const { close } = await assemble(settings, target);
  while (target.log.length < delivered) {
    await wait('more of the replay', () => target.held.length > 0);
    target.deliver(Math.min(100, delivered - target.log.length));
  }
  await wait('the cursor', async () => (await unsettledOnDisk(directory.path)) <= records - delivered + partly);
  expect(await repeatedByCrash(settings, target)).toBeLessThanOrEqual(partly);
  target.comeBack();
  await close();
});

test.each([
  { what: 'one partition of each topic', isStuck: ({ key }: { key: string }) => key === 'k3' },
  { what: 'one topic', isStuck: ({ topic }: { topic: string }) => topic === 'raw' },
])('while $what does not answer, no more than replayMaxRecords get ahead of it to be repeated', async ({ isStuck }) => {
  await using directory = await TestDirectory.make();
  const settings = settingsFor(directory.path, { replayMaxRecords: 500, afterMs: 60_000 });
  await leave(settings);
  const target = new FakeTarget();
  target.isStuck = isStuck;
  const { sink, spool, close } = await assemble(settings, target);
  let before = -1;
  const standsStill = () => {
    const stands = target.log.length === before;
    before = target.log.length;
    return stands && target.held.every(isStuck);
  };
  await waitFor(standsStill, { deadlineMs: 10_000, everyMs: 150, what: 'the replay to wait for what is stuck' });
  expect(sink.inFlight).toBeGreaterThan(0);
  expect(await repeatedByCrash(settings, target)).toBeLessThan(settings.replayMaxRecords + limits.maxBatchRecords);
  target.isStuck = () => false;
  target.deliver();
  await wait('the rest of the replay', () => spool.depth().records === 0);
  expect(target.log).toHaveLength(records);
  await close();
});
