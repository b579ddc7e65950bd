import { Admin } from '@platformatic/kafka';
import { afterEach, describe, expect, test } from 'vitest';
import { recreateTopic } from '../../../faults/injectors/recreate-topic.ts';
import { imbalanceOf } from '../../../gateway/core/account.ts';
import { partitionForKey } from '../../../gateway/kafka/partitioner.ts';
import { Producer } from '../../../gateway/kafka/producer.ts';
import type { KafkaSettings } from '../../../gateway/kafka/settings.ts';
import { type ReadRecord, readTopic } from '../../support/kafka-reader.ts';
import { sharedServers } from '../../support/servers.ts';
import { createTopic } from '../../support/topics.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Load } from './load.ts';
import { quickSettings, RecordingObserver } from './recording.ts';

const vehicles = 50;
let producer: Producer | undefined;

afterEach(async () => {
  await producer?.close();
});

async function start(topic: string, settings: Partial<KafkaSettings> = {}) {
  const recording = new RecordingObserver();
  const started = await Producer.start({
    ...quickSettings,
    maxBatchRecords: 100,
    requestTimeoutMs: 10_000,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 500,
    metadataMaxAgeMs: 2000,
    bootstrapBrokers: sharedServers().bootstrap,
    topics: [topic],
    observer: recording.observer,
    ...settings,
  });
  producer = started;
  return { producer: started, recording, load: new Load(started, topic, vehicles) };
}

const untilSettled = ({ settlements, appended }: Load) =>
  waitFor(() => settlements.settled.length >= appended, {
    deadlineMs: 60_000,
    what: () => `${appended} settlements, so far ${settlements.settled.length}`,
  });

/** Each vehicle's numbers in the order of their first appearance in a partition. */
function numbersByVehicle(records: readonly ReadRecord[]): Map<string, number[]> {
  const seen = new Set<string>();
  const numbers = new Map<string, number[]>();
  for (const { value, key } of records) {
    const text = String(value);
    if (seen.has(text)) continue;
    seen.add(text);
    const [, number] = text.split(':');
    numbers.set(key, [...(numbers.get(key) ?? []), Number(number)]);
  }
  return numbers;
}

const increasing = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
const kindsOf = (recording: RecordingObserver) =>
  recording.of('topicChanged').map(([change]) => (change as { kind: string }).kind);

describe('a topic that is deleted and created again under load', () => {
  test.each([
    [6, 6],
    [6, 3],
    [3, 6],
  ])(
    'takes what was unsettled and what comes after, in order, each key in its partition (%i → %i)',
    async (before, after) => {
      const { bootstrap } = sharedServers();
      const topic = await createTopic(bootstrap, { partitions: before });
      const { load, recording, producer: ours } = await start(topic);
      const driving = load.run(400, 50, 10);
      await waitFor(() => load.settlements.settled.length > 1000, { deadlineMs: 30_000, what: 'deliveries' });
      let settledBefore = 0;
      await recreateTopic(bootstrap, topic, {
        partitions: after,
        whileGone: async () => {
          await waitFor(() => kindsOf(recording).includes('missing'), {
            deadlineMs: 30_000,
            what: 'the loss to be seen',
          });
          settledBefore = load.settlements.settled.length;
        },
      });
      await driving;
      await load.run(20, 50, 10);
      await untilSettled(load);

      const records = await readTopic(bootstrap, topic);
      const stored = new Set(records.map(({ value }) => String(value)));
      const { settled } = load.settlements;
      expect(load.settlements.names('delivered').length).toBe(load.appended);
      // What the deletion took had been acknowledged before it.
      expect(settled.slice(settledBefore).filter(({ name }) => !stored.has(name))).toEqual([]);
      expect(settledBefore).toBeLessThan(load.appended);
      for (const { key, partition } of records) {
        expect(partition).toBe(partitionForKey(Buffer.from(key), key.length, after));
      }
      for (const numbers of numbersByVehicle(records).values()) {
        expect(numbers).toEqual(increasing(numbers));
        expect(numbers.length).toBe((numbers.at(-1) as number) - (numbers[0] as number) + 1);
      }
      expect(records.length).toBe(stored.size);
      expect(kindsOf(recording)).toEqual(['missing', 'back', 'recreated']);
      expect(ours.accounts().map(imbalanceOf)).toEqual([0, 0, 0]);
      expect(ours.stats()).toMatchObject({ unsettledRecords: 0, lanes: after });
    },
  );
});

describe('a topic that is deleted and created again while nothing is sent', () => {
  test('gets no record under the numbers of old, although nobody has noticed', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, { partitions: 3 });
    const { load, recording } = await start(topic, { metadataMaxAgeMs: 600_000 });
    load.append(500);
    await untilSettled(load);
    await recreateTopic(bootstrap, topic, { partitions: 6 });
    load.append(500);
    await untilSettled(load);

    const records = await readTopic(bootstrap, topic);
    expect(records.length).toBe(500);
    for (const { key, partition } of records) expect(partition).toBe(partitionForKey(Buffer.from(key), key.length, 6));
    for (const numbers of numbersByVehicle(records).values()) expect(numbers).toEqual(increasing(numbers));
    expect(kindsOf(recording)).toEqual(['recreated']);
  });
});

describe('a topic that gets more partitions under load', () => {
  test('loses nothing, doubles nothing, and keeps the order of each key within each partition', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, { partitions: 3 });
    const { load, recording } = await start(topic);
    const driving = load.run(400, 50, 10);
    await waitFor(() => load.settlements.settled.length > 1000, { deadlineMs: 30_000, what: 'deliveries' });
    const admin = new Admin({ clientId: 'test-topics', bootstrapBrokers: [...bootstrap] });
    await admin.createPartitions({ topics: [{ name: topic, count: 6, assignments: null }] });
    await admin.close();
    await driving;
    await waitFor(() => kindsOf(recording).includes('grown'), { deadlineMs: 30_000, what: 'the growth to be seen' });
    await load.run(20, 50, 10);
    await untilSettled(load);

    const records = await readTopic(bootstrap, topic);
    expect(records.length).toBe(load.appended);
    const values = new Set(records.map(({ value }) => String(value)));
    expect(values.size).toBe(load.appended);
    for (let partition = 0; partition < 6; partition++) {
      const inPartition = records.filter((record) => record.partition === partition);
      expect(inPartition.length).toBeGreaterThan(0);
      for (const numbers of numbersByVehicle(inPartition).values()) expect(numbers).toEqual(increasing(numbers));
    }
    // Whoever moved has left its old partition for good.
    for (const key of new Set(records.map((record) => record.key))) {
      const of = (modulus: number) => partitionForKey(Buffer.from(key), key.length, modulus);
      if (of(3) === of(6)) continue;
      const numbersIn = (partition: number) =>
        records
          .filter((record) => record.key === key && record.partition === partition)
          .map(({ value }) => Number(String(value).split(':')[1]));
      expect(Math.max(...numbersIn(of(3)))).toBeLessThan(Math.min(...numbersIn(of(6))));
    }
  });
});
