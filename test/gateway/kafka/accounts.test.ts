import { afterEach, describe, expect, test, vi } from 'vitest';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import { Watermarks } from '../../../gateway/core/watermarks.ts';
import { Lane } from '../../../gateway/kafka/lane.ts';
import type { Producer } from '../../../gateway/kafka/producer.ts';
import { Settling } from '../../../gateway/kafka/settling.ts';
import { numbers, scene, topic } from './scene.ts';

const imbalances = (producer: Producer) =>
  Object.fromEntries(producer.accounts().map((account) => [account.name, imbalanceOf(account)]));
const right = { records: 0, watermark_records: 0, watermark_bytes: 0 };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the producer's accounts", () => {
  test('add up while records wait, are handed over, settled, abandoned and late', async () => {
    const { cluster, producer, append, settled, settlements } = await scene({ settings: { maxBatchRecords: 4 } });
    cluster.broker(1).frozen = true;
    for (const value of numbers(0, 10)) append(value);
    expect(imbalances(producer)).toEqual(right);
    expect(producer.heldRecords).toBe(10);
    producer.handOver(({ settleables }) => settleables);
    for (const value of numbers(10, 15)) append(value);
    expect(imbalances(producer)).toEqual(right);
    expect(producer.heldRecords).toBe(15);
    await producer.drain(10);
    expect(imbalances(producer)).toEqual(right);
    append('late');
    expect(imbalances(producer)).toEqual(right);
    expect(producer.heldRecords).toBe(1);
    await settled(16);
    expect(imbalances(producer)).toEqual(right);
    expect(settlements.names('unanswered').length).toBe(16);
  });

  test('show a record that was settled without being told', async () => {
    const { append, settled, producer } = await scene();
    vi.spyOn(Settling.prototype, 'tell').mockImplementation(function (this: Settling, settleables, outcome) {
      for (const settleable of settleables.slice(1)) {
        this.told += 1;
        settleable.settleRecord(outcome);
      }
    });
    for (const value of numbers(0, 5)) append(value);
    await settled(4);
    expect(imbalances(producer)).toEqual({ ...right, records: 1 });
  });

  test('show a batch that vanished from its lane', async () => {
    const { cluster, append, producer } = await scene({ settings: { maxBatchRecords: 3 } });
    cluster.broker(1).frozen = true;
    for (const value of numbers(0, 7)) append(value);
    vi.spyOn(Lane.prototype, 'count').mockReturnValue({ records: 4, unsettledBytes: 0 });
    const { unsettledBytes } = producer.stats();
    expect(imbalances(producer)).toEqual({ records: 3, watermark_records: 3, watermark_bytes: unsettledBytes });
  });

  test('show watermarks that were not lowered', async () => {
    const { cluster, append, settled, producer } = await scene();
    vi.spyOn(Watermarks.prototype, 'remove').mockImplementation(() => undefined);
    for (const value of numbers(0, 5)) append(value);
    await settled(5);
    expect(imbalances(producer)).toMatchObject({ records: 0, watermark_records: 5 });
    expect(cluster.log(topic).values).toEqual(numbers(0, 5));
  });
});
