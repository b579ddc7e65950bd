import { describe, expect, test } from 'vitest';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { FakeCluster } from './fake/fake-cluster.ts';
import { code, type StoredRecord } from './fake/partition-log.ts';
import { scene, topic } from './scene.ts';
import { seeded } from './seeded.ts';

const brokers = 3;
const vehicles = 10;

/** What requests have brought that a broker had kept back, perhaps from before the topic was deleted. */
interface KeptBack {
  /** Carry out a request each. */
  readonly late: (() => void)[];
  /** `order` of what these have stored. */
  readonly belated: Set<number>;
}

const recordsOf = (cluster: FakeCluster): StoredRecord[] =>
  (cluster.topics.get(topic) ?? []).flatMap(({ records }) => records);

function markStored(cluster: FakeCluster, store: () => void, belated: Set<number>): void {
  const before = new Set(recordsOf(cluster).map(({ order }) => order));
  store();
  for (const { order } of recordsOf(cluster)) if (!before.has(order)) belated.add(order);
}

/** Disturbs the cluster or changes the topic. */
function disturb(cluster: FakeCluster, random: (below: number) => number, { late, belated }: KeptBack): void {
  const logs = cluster.topics.get(topic);
  const acts: (() => void)[] = [
    () => cluster.script.push({ kind: 'drop' }),
    () => cluster.script.push({ kind: 'store_and_drop' }),
    () => cluster.script.push({ kind: 'hang', late: (store) => late.push(() => markStored(cluster, store, belated)) }),
    () => cluster.script.push({ kind: 'error', code: code.outOfOrderSequence }),
    () => cluster.script.push({ kind: 'error', code: code.unknownTopicOrPartition }),
    () => cluster.script.push({ kind: 'error', code: code.notEnoughReplicasAfterAppend, alsoStores: true }),
    () => {
      for (const log of logs ?? []) log.maxBatchBytes = 150;
    },
    () => {
      for (const log of logs ?? []) log.leader = 1 + random(brokers);
    },
    () => late.shift()?.(),
    () => cluster.delete(topic),
    () => {
      if (logs === undefined) cluster.create(topic, 1 + random(6));
    },
    () => {
      if (logs === undefined) cluster.create(topic, 1 + random(6));
    },
    () => cluster.grow(topic, (logs?.length ?? 0) + random(3)),
  ];
  acts[random(acts.length)]?.();
}

/** Each vehicle's numbers in the order in which they first appeared. */
function expectOrder(records: readonly StoredRecord[]): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const { value } of records.toSorted((a, b) => a.order - b.order)) {
    if (seen.has(value)) continue;
    seen.add(value);
    const [vehicle = '', number] = value.split(':');
    expect(Number(number)).toBeGreaterThan(last.get(vehicle) ?? -1);
    last.set(vehicle, Number(number));
  }
}

describe('whatever becomes of the topic', () => {
  test.each(Array.from({ length: 18 }, (_, i) => i + 1))(
    'no record is lost by us or put out of order, and what is doubled is counted (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const hasTopicIds = seed % 2 !== 0;
      const { cluster, producer, append, settlements, settled, recording } = await scene({
        brokers,
        partitions: 1 + random(6),
        produceVersion: hasTopicIds ? 13 : 9,
        settings: { requestTimeoutMs: 40, metadataMaxAgeMs: 30, maxBatchRecords: [1, 5, 1000][seed % 3] ?? 1 },
      });
      const keptBack: KeptBack = { late: [], belated: new Set() };
      let appended = 0;
      while (appended < 500) {
        for (let i = random(12); i >= 0; i--) {
          append(`vehicle-${appended % vehicles}:${appended}`, `vehicle-${appended % vehicles}`);
          appended += 1;
        }
        if (random(10) === 0) producer.handOver(({ settleables }) => settleables);
        disturb(cluster, random, keptBack);
        expect(producer.accounts().map(imbalanceOf)).toEqual([0, 0, 0]);
        await new Promise((resolve) => setTimeout(resolve, random(6)));
      }
      cluster.script.length = 0;
      if (!cluster.topics.has(topic)) cluster.create(topic, 1 + random(6));
      for (const log of cluster.topics.get(topic) ?? []) log.maxBatchBytes = Number.POSITIVE_INFINITY;
      await settled(appended);
      for (const store of keptBack.late) store();
      await waitFor(() => producer.handedOver === 0, { deadlineMs: 1000, what: 'nothing to be left' });

      const today = recordsOf(cluster);
      const all = [...cluster.deleted.flat().flatMap(({ records }) => records), ...today];
      const stored = new Set(all.map(({ value }) => value));
      expect(settlements.names('delivered').filter((value) => !stored.has(value))).toEqual([]);
      expect(new Set(settlements.names('delivered')).size).toBe(appended);
      expect(settlements.settled.length).toBe(appended);
      expectOrder(all);
      // Without topic ids, what a broker has kept back from before a deletion may end in the topic's successor.
      expectOrder(hasTopicIds ? today : today.filter(({ order }) => !keptBack.belated.has(order)));
      const counted =
        recording.of('epochStarted').reduce((sum, [, , , doubled]) => sum + Number(doubled), 0) +
        recording
          .of('topicChanged')
          .reduce((sum, [change]) => sum + (change as { possibleDuplicates: number }).possibleDuplicates, 0);
      expect(today.length - new Set(today.map(({ value }) => value)).size).toBeLessThanOrEqual(counted);
      expect(producer.accounts().map(imbalanceOf)).toEqual([0, 0, 0]);
      expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0 });
    },
  );
});
