import { describe, expect, test } from 'vitest';
import type { HeldBatch } from '../../../gateway/core/record-sink.ts';
import { recordsOf } from '../../../gateway/record-batch/sealed-batch.ts';
import { waitFor } from '../../support/wait-for.ts';
import { code } from './fake/partition-log.ts';
import { Settlements } from './recording.ts';
import { numbers, scene, topic } from './scene.ts';

/** Takes over what it is shown, and remembers it. */
class Heir {
  readonly batches: { readonly topic: string; readonly records: number; readonly text: string }[] = [];
  readonly settlements = new Settlements();
  records = 0;

  readonly take = ({ topic: of, bytes, settleables }: HeldBatch) => {
    this.batches.push({
      topic: of,
      records: settleables.length,
      text: recordsOf(Buffer.from(bytes)).toString('latin1'),
    });
    return settleables.map(() => this.settlements.of(`h${this.records++}`));
  };

  /** Names of the records in the order in which they were shown. */
  get shown(): string[] {
    return this.batches.flatMap(({ text }) => text.match(/m\d+/g) ?? []);
  }
}

describe('handing over', () => {
  test('shows everything unsettled once, in order, and lets the pressure fall', async () => {
    const { cluster, producer, append, settled, settlements } = await scene({
      settings: { softRecords: 20, hardRecords: 40, maxBatchRecords: 10 },
    });
    const levels: number[] = [];
    producer.onPressure((level) => levels.push(level));
    cluster.script.push({ kind: 'hang' });
    for (const value of numbers(0, 25)) append(value);
    await waitFor(() => cluster.broker(1).produceRequests === 1, { deadlineMs: 5000, what: 'a batch in flight' });
    const heir = new Heir();
    producer.handOver(heir.take);
    expect(heir.shown).toEqual(numbers(0, 25));
    expect(heir.batches.map(({ topic: of, records }) => [of, records])).toEqual([
      [topic, 10],
      [topic, 10],
      [topic, 5],
    ]);
    expect(levels).toEqual([1, 0]);
    expect(producer.handedOver).toBe(25);
    expect(producer.stats()).toMatchObject({
      unsettledRecords: 0,
      unsettledBytes: 0,
      handedOverRecords: 25,
      oldestUnsettledMs: 0,
    });
    append('m25');
    expect(producer.stats().unsettledRecords).toBe(1);
    producer.handOver(heir.take);
    expect(heir.shown).toEqual(numbers(0, 26));
    expect(producer.handedOver).toBe(26);
    await waitFor(() => heir.settlements.settled.length === 26, { deadlineMs: 5000, what: 'the delivery' });
    expect(heir.settlements.names('delivered')).toEqual(heir.settlements.settled.map(({ name }) => name));
    expect(cluster.log(topic).values).toEqual(numbers(0, 26));
    expect(settlements.settled).toEqual([]);
    expect(producer.handedOver).toBe(0);
    append('m26');
    await settled(1);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, handedOverRecords: 0 });
  });

  test('keeps partitions apart, each in its order', async () => {
    const { cluster, producer, append } = await scene({ partitions: 3, settings: { maxBatchRecords: 4 } });
    cluster.broker(1).frozen = true;
    for (let i = 0; i < 60; i++) append(`m${i}`, `key-${i % 7}`);
    const heir = new Heir();
    producer.handOver(heir.take);
    expect([...heir.shown].sort()).toEqual(numbers(0, 60).sort());
    for (let key = 0; key < 7; key++) {
      const ofKey = heir.shown.filter((name) => Number(name.slice(1)) % 7 === key).map((name) => Number(name.slice(1)));
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
    }
    cluster.broker(1).frozen = false;
    await waitFor(() => heir.settlements.settled.length === 60, { deadlineMs: 5000, what: 'the delivery' });
  });

  test('tells the heir of each record, also when its batch is split and one is refused', async () => {
    const { cluster, producer, append, recording } = await scene();
    const log = cluster.log(topic);
    log.namesOffenders = false;
    log.refuses = ({ value }) => value === 'm3';
    cluster.script.push({ kind: 'hang' });
    for (const value of numbers(0, 8)) append(value);
    const heir = new Heir();
    producer.handOver(heir.take);
    await waitFor(() => heir.settlements.settled.length === 8, { deadlineMs: 5000, what: 'the settlements' });
    expect(heir.settlements.names('rejected')).toEqual(['h3']);
    expect(recording.of('batchSplit').length).toBeGreaterThan(1);
    expect(log.values).toEqual(numbers(0, 8).filter((value) => value !== 'm3'));
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, handedOverRecords: 0 });
  });

  test('counts on when a new epoch and a too large batch come behind it', async () => {
    const { cluster, producer, append, settled } = await scene();
    cluster.script.push({ kind: 'hang' }, { kind: 'error', code: code.outOfOrderSequence });
    for (const value of numbers(0, 4)) append(value);
    const heir = new Heir();
    producer.handOver(heir.take);
    for (const value of numbers(4, 8)) append(value);
    cluster.script.push({ kind: 'error', code: code.messageTooLarge });
    await settled(4);
    expect(cluster.log(topic).values).toEqual(numbers(0, 8));
    expect(heir.settlements.names('delivered')).toEqual(['h0', 'h1', 'h2', 'h3']);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, handedOverRecords: 0 });
  });

  test.each(['drain', 'close'] as const)(
    'leaves the heir without an answer at %s, and does not wait for it',
    async (how) => {
      const { cluster, producer, append, settlements, recording } = await scene();
      cluster.broker(1).frozen = true;
      for (const value of numbers(0, 10)) append(value);
      const heir = new Heir();
      producer.handOver(heir.take);
      if (how === 'drain') expect(await producer.drain(60_000)).toBe(0);
      else await producer.close();
      expect(heir.settlements.names('unanswered').length).toBe(10);
      expect(settlements.settled).toEqual([]);
      expect(recording.of('abandoned')).toEqual([]);
      expect(producer.handedOver).toBe(0);
    },
  );

  test('ends a drain that waits for nothing else', async () => {
    const { cluster, producer, append } = await scene();
    cluster.broker(1).frozen = true;
    append('m0');
    const draining = producer.drain(60_000);
    producer.handOver(new Heir().take);
    expect(await draining).toBe(0);
  });

  test('keeps what was taken when the heir fails, and shows the rest again', async () => {
    const { cluster, producer, append } = await scene({ settings: { maxBatchRecords: 2 } });
    cluster.broker(1).frozen = true;
    for (const value of numbers(0, 6)) append(value);
    const heir = new Heir();
    const failing = (batch: HeldBatch) => {
      if (heir.batches.length === 1) throw new Error('disk full');
      return heir.take(batch);
    };
    expect(() => producer.handOver(failing)).toThrow('disk full');
    expect(producer.stats()).toMatchObject({ unsettledRecords: 4, handedOverRecords: 2 });
    expect(() => producer.handOver(() => [])).toThrow(RangeError);
    producer.handOver(heir.take);
    expect(heir.shown).toEqual(numbers(0, 6));
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, handedOverRecords: 6 });
  });
});
