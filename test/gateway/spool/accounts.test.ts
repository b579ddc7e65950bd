import { afterEach, expect, test, vi } from 'vitest';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import { Watermarks } from '../../../gateway/core/watermarks.ts';
import type { SpooledSink } from '../../../gateway/spool/spooled-sink.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { assemble, FakeTarget, settingsFor, TestDirectory } from './support.ts';

const imbalances = (sink: SpooledSink) =>
  Object.fromEntries(sink.accounts().map((account) => [account.name, imbalanceOf(account)]));
const right = { spool_records: 0, spool_waiting: 0 };
const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 5000, what });

afterEach(() => {
  vi.restoreAllMocks();
});

test('the accounts of the spool add up in open batches, in memory, on disk, in flight and after a restart', async () => {
  await using directory = await TestDirectory.make();
  const settlements = new Settlements();
  const target = new FakeTarget();
  target.goDown();
  const settings = settingsFor(directory.path, { mode: 'always', replayMaxRecords: 120 });
  const first = await assemble(settings, target);
  const send = (from: number, to: number, { sink }: typeof first) => {
    for (let i = from; i < to; i++) {
      sink.append('events', `k${i % 5}`, 1, textEncoder, `r${i}`, settlements.of(`r${i}`));
    }
  };
  send(0, 50, first);
  expect(imbalances(first.sink)).toEqual(right);
  send(50, 350, first);
  expect(imbalances(first.sink)).toEqual(right);
  await wait('answers', () => settlements.settled.length === 350);
  await wait('a replay', () => target.held.length > 0);
  expect(imbalances(first.sink)).toEqual(right);
  target.deliver(10);
  expect(imbalances(first.sink)).toEqual(right);
  await first.close();

  const second = await assemble(settings, undefined);
  expect(second.spool.ledger.recoveredRecords).toBeGreaterThan(200);
  expect(imbalances(second.sink)).toEqual(right);
  const back = new FakeTarget();
  second.sink.attach(back);
  send(350, 360, second);
  await wait('an empty spool', () => second.spool.depth().records === 0);
  expect(imbalances(second.sink)).toEqual(right);
  await second.close();
});

test('they show records that were settled without being counted, and that nobody was told of', async () => {
  await using directory = await TestDirectory.make();
  const settlements = new Settlements();
  const { sink, spool, close } = await assemble(settingsFor(directory.path, { mode: 'always' }), new FakeTarget());
  vi.spyOn(Watermarks.prototype, 'remove').mockImplementation(() => undefined);
  for (let i = 0; i < 10; i++) sink.append('events', 'k', 1, textEncoder, `r${i}`, settlements.of(`r${i}`));
  await wait('the settlement', () => spool.ledger.settledRecords === 10);
  await wait('the answers', () => settlements.settled.length === 10);
  (spool.ledger as { settledRecords: number }).settledRecords = 0;
  expect(imbalances(sink)).toEqual({ spool_records: 10, spool_waiting: 10 });
  await close();
});
