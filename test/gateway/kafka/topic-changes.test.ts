import { describe, expect, test } from 'vitest';
import { partitionForKey } from '../../../gateway/kafka/partitioner.ts';
import { recordsOf } from '../../../gateway/record-batch/sealed-batch.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { FakeCluster } from './fake/fake-cluster.ts';
import { code } from './fake/partition-log.ts';
import { type SceneOptions, scene, topic } from './scene.ts';

const vehicles = 20;

/** A scene whose records are `vehicle-3:17`: of one of 20 vehicles, counted up for each. */
async function fleetScene(options: SceneOptions) {
  const made = await scene(options);
  let appended = 0;
  const drive = (rounds: number) => {
    for (let i = 0; i < rounds * vehicles; i++) {
      const vehicle = `vehicle-${appended % vehicles}`;
      made.append(`${vehicle}:${Math.floor(appended / vehicles)}`, vehicle);
      appended += 1;
    }
  };
  return { ...made, drive, appended: () => appended };
}

const partitionOf = (key: string, partitions: number) => partitionForKey(Buffer.from(key), key.length, partitions);
const logsOf = (cluster: FakeCluster) => cluster.topics.get(topic) ?? [];
const numberOf = (value: string) => Number(value.split(':')[1]);

/** Each vehicle's numbers as they lie in the topic of today, and that each is where its key belongs. */
function expectPlaced(cluster: FakeCluster, from: number, to: number): void {
  const logs = logsOf(cluster);
  for (let i = 0; i < vehicles; i++) {
    const vehicle = `vehicle-${i}`;
    const holding = logs.flatMap(({ values }, partition) =>
      values.some((value) => value.startsWith(`${vehicle}:`)) ? [partition] : [],
    );
    expect(holding).toEqual([partitionOf(vehicle, logs.length)]);
    const numbers = logs.flatMap(({ values }) =>
      values.filter((value) => value.startsWith(`${vehicle}:`)).map(numberOf),
    );
    expect(numbers).toEqual(Array.from({ length: to - from }, (_, n) => from + n));
  }
}

describe('a topic that is deleted and created again', () => {
  test.each([
    [6, 6],
    [6, 3],
    [3, 6],
    [6, 4],
  ])('gets what was unsettled, in order, and what comes after (%i → %i partitions)', async (before, after) => {
    const { cluster, drive, settled, appended, settlements, recording, producer } = await fleetScene({
      partitions: before,
      brokers: 2,
      settings: { maxBatchRecords: 7 },
    });
    drive(5);
    await settled(appended());
    const deliveredBefore = appended();
    cluster.delete(topic);
    drive(5);
    await waitFor(() => recording.of('topicChanged').length > 0, { deadlineMs: 5000, what: 'the loss to be seen' });
    drive(5);
    cluster.create(topic, after);
    drive(5);
    await settled(appended());
    drive(2);
    await settled(appended());
    expect(deliveredBefore).toBe(5 * vehicles);
    expectPlaced(cluster, 5, 22);
    expect(settlements.names('delivered').length).toBe(appended());
    const moved = before === after ? 0 : 10 * vehicles;
    const changes = recording.of('topicChanged').map(([change]) => change);
    expect(changes.map((change) => (change as { kind: string }).kind)).toEqual(['missing', 'back', 'recreated']);
    expect(changes[2]).toMatchObject({ partitions: after, possibleDuplicates: expect.any(Number) });
    expect((changes[2] as { movedRecords: number }).movedRecords).toBeGreaterThanOrEqual(moved);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, lanes: after });
  });

  test('is noticed although nobody saw that it was gone', async () => {
    const { cluster, drive, settled, appended, recording } = await fleetScene({
      partitions: 6,
      settings: { metadataMaxAgeMs: 60_000, maxBatchRecords: 7 },
    });
    drive(3);
    await settled(appended());
    cluster.delete(topic);
    cluster.create(topic, 4);
    // Only partitions 4 and 5 are missed; what is in flight to the others is stored where it does not belong.
    cluster.script.push({ kind: 'error', code: code.unknownTopicOrPartition });
    drive(3);
    await settled(appended());
    expectPlaced(cluster, 3, 6);
    expect(recording.of('topicChanged')).toEqual([[expect.objectContaining({ kind: 'recreated', partitions: 4 })]]);
  });

  test('gets nothing under the numbers of old, where requests carry topic ids', async () => {
    const { cluster, drive, settled, appended, recording } = await fleetScene({
      partitions: 3,
      brokers: 2,
      settings: { metadataMaxAgeMs: 60_000, maxBatchRecords: 7 },
    });
    drive(3);
    await settled(appended());
    cluster.delete(topic);
    cluster.create(topic, 6);
    // Every partition of old is there, so nobody would miss one.
    drive(3);
    await settled(appended());
    expectPlaced(cluster, 3, 6);
    expect(recording.of('topicChanged')).toEqual([
      [expect.objectContaining({ kind: 'recreated', partitions: 6, possibleDuplicates: 0 })],
    ]);
  });

  test('waits with moving for what is in flight, and nothing is lost when that was stored', async () => {
    const { cluster, drive, settled, appended, recording } = await fleetScene({
      partitions: 2,
      brokers: 2,
      settings: { metadataMaxAgeMs: 20, requestTimeoutMs: 400 },
    });
    const late: (() => void)[] = [];
    for (let i = 0; i < 2; i++) cluster.script.push({ kind: 'hang', late: (store) => late.push(store) });
    drive(3);
    await waitFor(() => late.length === 2, { deadlineMs: 5000, what: 'a request to each broker' });
    cluster.delete(topic);
    cluster.create(topic, 3);
    drive(3);
    await waitFor(() => recording.of('metadataRefreshed').length > 3, { deadlineMs: 5000, what: 'refreshes' });
    drive(3);
    await settled(appended());
    for (const store of late) store();
    drive(1);
    await settled(appended());
    expectPlaced(cluster, 0, 10);
    const [change] = recording.of('topicChanged')[0] as [{ possibleDuplicates: number }];
    expect(change.possibleDuplicates).toBeGreaterThan(0);
  });

  test('sends nothing to where it does not belong while it waits', async () => {
    const { cluster, drive, settled, appended, recording } = await fleetScene({
      partitions: 2,
      brokers: 2,
      settings: { requestTimeoutMs: 400, metadataMaxAgeMs: 20 },
    });
    drive(1);
    await settled(appended());
    const first = cluster.log(topic, 1).values.length;
    cluster.broker(1).frozen = true;
    drive(1);
    await waitFor(() => cluster.log(topic, 1).values.length === 2 * first, { deadlineMs: 5000, what: 'one broker' });
    cluster.delete(topic);
    await waitFor(() => recording.of('topicChanged').length === 1, { deadlineMs: 5000, what: 'the loss to be seen' });
    cluster.create(topic, 3);
    drive(2);
    await waitFor(() => recording.of('topicChanged').length === 2, {
      deadlineMs: 5000,
      what: 'the new one to be seen',
    });
    drive(2);
    cluster.broker(1).frozen = false;
    await settled(appended());
    for (const { values } of logsOf(cluster)) expect(values.length).toBeGreaterThan(first);
    for (const [partition, { values }] of logsOf(cluster).entries()) {
      for (const value of values) expect(partitionOf(value.split(':')[0] as string, 3)).toBe(partition);
    }
  });

  test('does not take a record for another one that got its sequence number first', async () => {
    const { cluster, append, settled } = await scene({ settings: { maxBatchRecords: 1 }, produceVersion: 9 });
    const keyOf = (partition: number) =>
      Array.from({ length: 20 }, (_, i) => `key-${i}`).find((key) => partitionOf(key, 2) === partition) as string;
    cluster.delete(topic);
    cluster.create(topic, 2);
    // Nobody has noticed, so both go to the only partition of old; the first one is stored as its number 0.
    cluster.script.push({ kind: 'store_and_drop' }, { kind: 'drop' }, { kind: 'drop' }, { kind: 'drop' });
    append('first', keyOf(1));
    append('second', keyOf(0));
    await settled(2);
    expect(logsOf(cluster).map(({ values }) => values)).toEqual([['first', 'second'], ['first']]);
  });

  test('keeps what was handed over apart from what was not', async () => {
    const { cluster, drive, producer, settlements, appended, recording } = await fleetScene({ partitions: 6 });
    cluster.delete(topic);
    drive(5);
    await waitFor(() => recording.of('topicChanged').length > 0, { deadlineMs: 5000, what: 'the loss to be seen' });
    let handedOver = 0;
    let told = 0;
    producer.handOver(({ settleables }) => {
      handedOver += settleables.length;
      const heir = {
        settleRecord: () => {
          told += 1;
        },
      };
      return settleables.map(() => heir);
    });
    drive(5);
    cluster.create(topic, 4);
    await waitFor(() => settlements.settled.length === 5 * vehicles && told === 5 * vehicles, {
      deadlineMs: 5000,
      what: () => `the settlements: ${settlements.settled.length}, ${told}`,
    });
    expect([handedOver, appended()]).toEqual([100, 200]);
    expectPlaced(cluster, 0, 10);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, handedOverRecords: 0 });
  });

  test('does not come back in the shape that a lagging broker remembers', async () => {
    const { cluster, drive, settled, appended, recording, producer } = await fleetScene({
      partitions: 6,
      brokers: 3,
      settings: { metadataMaxAgeMs: 10 },
    });
    drive(1);
    await settled(appended());
    const old = cluster.describe(topic);
    cluster.delete(topic);
    cluster.create(topic, 4);
    await waitFor(() => producer.stats().lanes === 4, { deadlineMs: 5000, what: 'four lanes' });
    drive(2);
    await settled(appended());
    for (const broker of cluster.brokers) broker.stale = old;
    const refreshes = recording.of('metadataRefreshed').length;
    await waitFor(() => recording.of('metadataRefreshed').length > refreshes + 3, {
      deadlineMs: 5000,
      what: 'refreshes',
    });
    drive(2);
    await settled(appended());
    expectPlaced(cluster, 1, 5);
  });

  test.each([9, 13])(
    'is found again after a lagging broker has named one in between (version %i)',
    async (produceVersion) => {
      const { cluster, drive, settled, appended, producer } = await fleetScene({
        partitions: 6,
        produceVersion,
        settings: { metadataMaxAgeMs: 10 },
      });
      const recreate = async (partitions: number) => {
        cluster.delete(topic);
        cluster.create(topic, partitions);
        await waitFor(() => producer.stats().lanes === partitions, { deadlineMs: 5000, what: `${partitions} lanes` });
      };
      cluster.delete(topic);
      cluster.create(topic, 3);
      const between = cluster.describe(topic);
      await recreate(4);
      cluster.broker(1).stale = between;
      await waitFor(() => producer.stats().lanes === 3, { deadlineMs: 5000, what: 'the one in between' });
      cluster.broker(1).stale = undefined;
      drive(2);
      await waitFor(() => producer.stats().lanes === 4, { deadlineMs: 5000, what: 'the one of today' });
      await settled(appended());
      drive(2);
      await settled(appended());
      expect(producer.stats()).toMatchObject({ unsettledRecords: 0, lanes: 4 });
      // Names also let through what was meant for the one in between.
      if (produceVersion === 13) expectPlaced(cluster, 0, 4);
    },
  );

  test('gives records without a key to partitions that exist', async () => {
    const { cluster, append, settled, recording } = await scene({ partitions: 6 });
    for (let i = 0; i < 6; i++) {
      append(`m${i}`, '');
      await settled(i + 1);
    }
    cluster.delete(topic);
    append('m6', '');
    await waitFor(() => recording.of('topicChanged').length > 0, { deadlineMs: 5000, what: 'the loss to be seen' });
    for (let i = 7; i < 10; i++) append(`m${i}`, '');
    cluster.create(topic, 2);
    await settled(10);
    append('m10', '');
    await settled(11);
    expect(
      logsOf(cluster)
        .flatMap(({ values }) => values)
        .sort(),
    ).toEqual(['m10', 'm6', 'm7', 'm8', 'm9']);
  });
});

describe('a topic that is deleted for good', () => {
  test('is named, keeps its records, and is asked for with growing pauses', async () => {
    const { cluster, drive, settlements, producer } = await fleetScene({
      partitions: 3,
      settings: { retryBackoffMs: 5, retryBackoffMaxMs: 400, unreachableAfterMs: 50 },
    });
    expect(producer.missingTopics()).toEqual([]);
    cluster.delete(topic);
    drive(1);
    await waitFor(() => producer.missingTopics().length > 0, { deadlineMs: 5000, what: 'readiness to know' });
    expect(producer.missingTopics()).toEqual([topic]);
    expect(producer.isReachable()).toBe(true);
    await waitFor(() => cluster.metadataRequests > 9, { deadlineMs: 5000, what: 'several requests' });
    const asked = cluster.metadataRequests;
    const startedAt = performance.now();
    await waitFor(() => cluster.metadataRequests >= asked + 3, { deadlineMs: 5000, what: 'three more' });
    // Three pauses of 200 to 400 ms; without growth they were of 5 ms each.
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    expect(settlements.settled).toEqual([]);
    cluster.create(topic, 3);
    await waitFor(() => settlements.settled.length === vehicles, { deadlineMs: 5000, what: 'the delivery' });
    expect(producer.missingTopics()).toEqual([]);
  });

  test('does not keep the records of other topics from their way', async () => {
    const { cluster, append, settled } = await scene();
    cluster.create('other', 1);
    cluster.delete(topic);
    append('m0');
    cluster.create(topic, 1);
    await settled(1);
    expect(cluster.log(topic).values).toEqual(['m0']);
  });
});

describe('a topic that gets more partitions', () => {
  test('keeps the order of a key that moves while its records are unsettled', async () => {
    const { cluster, drive, settled, appended, recording, settlements } = await fleetScene({
      partitions: 3,
      brokers: 3,
      settings: { metadataMaxAgeMs: 20, maxBatchRecords: 7, requestTimeoutMs: 300 },
    });
    drive(2);
    await settled(appended());
    // What is ahead of the barrier in partition 0 does not get through for a while.
    cluster.broker(1).frozen = true;
    drive(3);
    cluster.grow(topic, 6);
    await waitFor(() => recording.of('topicChanged').length > 0, { deadlineMs: 5000, what: 'the growth to be seen' });
    drive(3);
    const frozen = settlements.settled.length;
    expect(
      logsOf(cluster)
        .slice(3)
        .flatMap(({ values }) => values),
    ).toEqual([]);
    cluster.broker(1).frozen = false;
    await settled(appended());
    expect(frozen).toBeLessThan(appended());
    drive(2);
    await settled(appended());
    const order = settlements.names('delivered');
    const settledAt = new Map(order.map((value, index) => [value, index]));
    for (let i = 0; i < vehicles; i++) {
      const at = Array.from({ length: 10 }, (_, n) => settledAt.get(`vehicle-${i}:${n}`) as number);
      expect(at).toEqual(at.toSorted((a, b) => a - b));
      const place = partitionOf(`vehicle-${i}`, 6);
      expect(cluster.log(topic, place).values).toContain(`vehicle-${i}:9`);
    }
    expect(recording.of('topicChanged')).toEqual([[expect.objectContaining({ kind: 'grown', partitions: 6 })]]);
  });

  test('is handed over in the order of each key, also of one that moves to a lane before its own', async () => {
    const { cluster, drive, producer, recording } = await fleetScene({
      partitions: 3,
      brokers: 3,
      settings: { metadataMaxAgeMs: 20, maxBatchRecords: 7 },
    });
    cluster.broker(3).frozen = true;
    drive(2);
    cluster.grow(topic, 4);
    await waitFor(() => recording.of('topicChanged').length > 0, { deadlineMs: 5000, what: 'the growth to be seen' });
    drive(2);
    const shown: string[] = [];
    producer.handOver(({ bytes, settleables }) => {
      shown.push(
        ...(recordsOf(Buffer.from(bytes))
          .toString('latin1')
          .match(/vehicle-\d+:\d+/g) ?? []),
      );
      return settleables;
    });
    const moving = Array.from({ length: vehicles }, (_, i) => `vehicle-${i}`).filter((vehicle) => {
      return partitionOf(vehicle, 3) === 2 && partitionOf(vehicle, 4) < 2;
    });
    expect(moving).not.toEqual([]);
    for (const vehicle of moving) {
      const numbers = shown.filter((value) => value.startsWith(`${vehicle}:`)).map(numberOf);
      expect(numbers).toEqual([0, 1, 2, 3]);
    }
  });

  test('grows again while keys are moving, and may be created again in between', async () => {
    const { cluster, drive, settled, appended, producer } = await fleetScene({
      partitions: 2,
      brokers: 2,
      settings: { metadataMaxAgeMs: 10, requestTimeoutMs: 200 },
    });
    cluster.broker(2).frozen = true;
    drive(2);
    cluster.grow(topic, 4);
    await waitFor(() => producer.stats().lanes === 4, { deadlineMs: 5000, what: 'four lanes' });
    drive(2);
    cluster.grow(topic, 5);
    drive(2);
    cluster.broker(2).frozen = false;
    await settled(appended());
    await waitFor(() => producer.stats().lanes === 5, { deadlineMs: 5000, what: 'five lanes' });
    cluster.broker(2).frozen = true;
    drive(2);
    cluster.grow(topic, 7);
    await waitFor(() => producer.stats().lanes === 7, { deadlineMs: 5000, what: 'seven lanes' });
    drive(2);
    cluster.delete(topic);
    cluster.create(topic, 7);
    cluster.broker(2).frozen = false;
    await settled(appended());
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0 });
    const values = logsOf(cluster).flatMap(({ values: ofLog }) => ofLog);
    for (const value of values) {
      const [vehicle = ''] = value.split(':');
      expect(cluster.log(topic, partitionOf(vehicle, 7)).values).toContain(value);
    }
  });
});
