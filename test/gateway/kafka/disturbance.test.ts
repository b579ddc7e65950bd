import { afterEach, describe, expect, test } from 'vitest';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import { Producer } from '../../../gateway/kafka/producer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Act, FakeCluster } from './fake/fake-cluster.ts';
import { code } from './fake/partition-log.ts';
import { quickSettings, RecordingObserver, Settlements, textEncoder } from './recording.ts';
import { seeded } from './seeded.ts';

const topic = 'events';
const letters = 'letters';
const partitions = 3;
const brokers = 3;
const vehicles = 10;
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One disturbance of the cluster; what it holds back is in `late`. */
function disturb(cluster: FakeCluster, random: (below: number) => number, late: (() => void)[]): void {
  const log = () => cluster.log(topic, random(partitions));
  const answer = (error: number, alsoStores: boolean): Act => ({ kind: 'error', code: error, alsoStores });
  const acts: (() => void)[] = [
    () => cluster.script.push({ kind: 'drop' }),
    () => cluster.script.push({ kind: 'store_and_drop' }),
    () => cluster.script.push({ kind: 'leave_first_out' }),
    () => cluster.script.push({ kind: 'cut_answer' }),
    () => cluster.script.push({ kind: 'strange_answer' }),
    () => cluster.script.push({ kind: 'hang', late: (store) => late.push(store) }),
    () => cluster.script.push(answer(code.notEnoughReplicasAfterAppend, true)),
    () => cluster.script.push(answer(code.requestTimedOut, random(2) === 0)),
    () => cluster.script.push({ kind: 'error', code: code.outOfOrderSequence, partition: random(partitions) }),
    () => log().fence(),
    () => {
      log().leader = 1 + random(brokers);
    },
    () => {
      log().maxBatchBytes = 150;
    },
    () => {
      log().maxBatchBytes = Number.POSITIVE_INFINITY;
    },
    () => late.shift()?.(),
    () => late.pop()?.(),
  ];
  acts[random(acts.length)]?.();
}

describe('whatever disturbs the cluster', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'no record is lost or put out of order, and what is doubled is counted (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const cluster = await FakeCluster.start(brokers, { [topic]: partitions, [letters]: 1 });
      closing.push(() => cluster.close());
      const recording = new RecordingObserver();
      const producer = await Producer.start({
        ...quickSettings,
        maxBatchRecords: [1, 5, 1000][seed % 3] ?? 1,
        requestTimeoutMs: 50,
        bootstrapBrokers: cluster.bootstrap,
        topics: [topic, letters],
        observer: recording.observer,
      });
      closing.push(() => producer.close());
      for (let partition = 0; partition < partitions; partition++) {
        cluster.log(topic, partition).refuses = ({ value }) => value.endsWith('13');
        cluster.log(topic, partition).namesOffenders = partition !== 0;
      }
      const settlements = new Settlements();
      const settledLetters = new Settlements();
      let appended = 0;
      const append = () => {
        const vehicle = `vehicle-${appended % vehicles}`;
        const value = `${vehicle}:${appended++}`;
        const settleable = settlements.of(value);
        producer.append(topic, vehicle, 1_700_000_000_000, textEncoder, value, {
          settleRecord(outcome) {
            settleable.settleRecord(outcome);
            // As the gateway does: the dead letter is appended from inside of the settlement.
            if (outcome.kind === 'rejected')
              producer.append(letters, vehicle, 0, textEncoder, value, settledLetters.of(value));
          },
        });
      };

      const late: (() => void)[] = [];
      while (appended < 500) {
        for (let i = random(12); i >= 0; i--) append();
        disturb(cluster, random, late);
        expect(producer.accounts().map(imbalanceOf)).toEqual([0, 0, 0]);
        await new Promise((resolve) => setTimeout(resolve, random(3)));
      }
      cluster.script.length = 0;
      for (let partition = 0; partition < partitions; partition++) {
        cluster.log(topic, partition).maxBatchBytes = Number.POSITIVE_INFINITY;
      }
      const rejected = () => settlements.names('rejected');
      await waitFor(
        () => settlements.settled.length >= appended && settledLetters.settled.length >= rejected().length,
        { deadlineMs: 20_000, what: () => `${appended} settlements, so far ${settlements.settled.length}` },
      );
      for (const store of late) store();

      const logs = Array.from({ length: partitions }, (_, partition) => cluster.log(topic, partition).values);
      const stored = new Set(logs.flat());
      expect(new Set(settlements.settled.map(({ name }) => name)).size).toBe(appended);
      expect(settlements.settled.length).toBe(appended);
      expect(settlements.names('delivered').filter((value) => !stored.has(value))).toEqual([]);
      expect(rejected().filter((value) => stored.has(value))).toEqual([]);
      expect(settledLetters.names('delivered').sort()).toEqual(rejected().sort());
      for (const values of logs) {
        const firsts = [...new Set(values)];
        for (let vehicle = 0; vehicle < vehicles; vehicle++) {
          const numbers = firsts
            .filter((value) => value.startsWith(`vehicle-${vehicle}:`))
            .map((value) => Number(value.split(':')[1]));
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        }
      }
      const counted = recording.of('epochStarted').reduce((sum, [, , , doubled]) => sum + Number(doubled), 0);
      expect(logs.flat().length - stored.size).toBeLessThanOrEqual(counted);
      expect(producer.accounts().map(imbalanceOf)).toEqual([0, 0, 0]);
      expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, failingLanes: 0 });
    },
  );
});
