import { describe, expect, test } from 'vitest';
import { Producer, type ProducerOptions } from '../../../gateway/kafka/producer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FakeCluster } from './fake/fake-cluster.ts';
import { code } from './fake/partition-log.ts';
import { quickSettings, RecordingObserver, textEncoder } from './recording.ts';
import { closing, numbers, scene, topic } from './scene.ts';

describe('a producer', () => {
  test('delivers records in the order of their append and settles each once', async () => {
    const { cluster, producer, settlements, append, settled } = await scene();
    for (const value of numbers(0, 500)) append(value);
    await settled(500);
    expect(cluster.log(topic).values).toEqual(numbers(0, 500));
    expect(settlements.names('delivered')).toEqual(numbers(0, 500));
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0, failingLanes: 0 });
  });

  test('settles nothing before Kafka has answered', async () => {
    const { cluster, settlements, append } = await scene();
    cluster.script.push({ kind: 'hang' });
    append('m0');
    await waitFor(() => cluster.broker(1).produceRequests === 1, { deadlineMs: 5000, what: 'the request' });
    expect(settlements.settled).toEqual([]);
  });

  test('sends the same bytes again after a lost answer, and the broker recognises them', async () => {
    const { cluster, settlements, append, settled } = await scene();
    cluster.script.push({ kind: 'store_and_drop' });
    for (const value of numbers(0, 10)) append(value);
    await waitFor(() => cluster.log(topic).arrivals.length >= 1, { deadlineMs: 5000, what: 'the batch' });
    for (const value of numbers(10, 20)) append(value);
    await settled(20);
    const { arrivals, values } = cluster.log(topic);
    expect(arrivals[1]).toEqual(arrivals[0]);
    expect(values).toEqual(numbers(0, 20));
    expect(settlements.names('delivered')).toEqual(numbers(0, 20));
  });

  test('survives many lost answers and connections without loss, disorder or duplicates', async () => {
    const { cluster, settlements, append, settled } = await scene({ partitions: 4, brokers: 2 });
    const acts = ['store_and_drop', 'drop', 'store', 'leave_first_out'] as const;
    for (let i = 0; i < 60; i++) cluster.script.push({ kind: acts[i % acts.length] as (typeof acts)[number] });
    for (let i = 0; i < 1000; i++) {
      append(`${i % 20}:${i}`, `vehicle-${i % 20}`);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await settled(1000);
    const stored = [0, 1, 2, 3].flatMap((partition) => cluster.log(topic, partition).values);
    expect(stored.length).toBe(1000);
    for (let vehicle = 0; vehicle < 20; vehicle++) {
      const ofVehicle = stored.filter((value) => value.startsWith(`${vehicle}:`));
      expect(ofVehicle).toEqual(Array.from({ length: 50 }, (_, i) => `${vehicle}:${vehicle + i * 20}`));
    }
    expect(new Set(settlements.names('delivered')).size).toBe(1000);
    expect(settlements.settled.length).toBe(1000);
  });

  test.each(['cut_answer', 'strange_answer'] as const)(
    'does not believe an answer that it cannot read (%s)',
    async (kind) => {
      const { cluster, settlements, append, settled, recording } = await scene();
      cluster.script.push({ kind });
      append('m0');
      await settled(1);
      append('m1');
      await settled(2);
      const { arrivals, values } = cluster.log(topic);
      expect(arrivals[1]).toEqual(arrivals[0]);
      expect(values).toEqual(['m0', 'm1']);
      expect(settlements.names('delivered')).toEqual(['m0', 'm1']);
      expect(recording.of('brokerDisconnected').length).toBe(1);
    },
  );

  test('keeps a batch through transient errors, and nothing passes it', async () => {
    const { cluster, append, settled, recording } = await scene();
    const errors = [code.notEnoughReplicas, code.requestTimedOut, code.corruptMessage, 9999, -1];
    for (const errorCode of errors) cluster.script.push({ kind: 'error', code: errorCode });
    cluster.script.push({ kind: 'error', code: code.notEnoughReplicasAfterAppend, alsoStores: true });
    append('m0');
    await waitFor(() => recording.of('batchRetried').length > 0, { deadlineMs: 5000, what: 'a retry' });
    for (const value of numbers(1, 5)) append(value);
    await settled(5);
    expect(cluster.log(topic).values).toEqual(numbers(0, 5));
    expect(recording.of('batchRetried').map((args) => args[2])).toContain('unknown');
    const [first, ...again] = cluster.log(topic).arrivals.slice(0, errors.length + 2);
    for (const bytes of again) expect(bytes).toEqual(first);
  });

  test('takes a duplicate sequence number for delivered', async () => {
    const { cluster, settlements, append, settled, recording } = await scene();
    cluster.script.push({ kind: 'error', code: code.duplicateSequence, alsoStores: true });
    append('m0');
    await settled(1);
    append('m1');
    await settled(2);
    expect(settlements.names('delivered')).toEqual(['m0', 'm1']);
    expect(recording.of('batchDelivered').map((args) => args[2])).toEqual([true, false]);
  });

  test('settles the lanes of one request each by its own error', async () => {
    const { cluster, settlements, append, settled } = await scene({ partitions: 2 });
    cluster.script.push({ kind: 'error', code: code.notEnoughReplicas, partition: 0 });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys) append(key, key);
    await settled(6);
    expect([...settlements.names('delivered')].sort()).toEqual(keys);
    expect(cluster.log(topic, 0).arrivals.length).toBe(2);
    expect(cluster.log(topic, 1).arrivals.length).toBe(1);
  });

  test('follows a partition to its new leader', async () => {
    const { cluster, append, settled } = await scene({ brokers: 2 });
    append('m0');
    await settled(1);
    cluster.log(topic).leader = 2;
    append('m1');
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
    expect(cluster.broker(2).produceRequests).toBe(1);
  });

  test('asks another broker when the one that it asks is cut off and names the old leader', async () => {
    const { cluster, append, settled } = await scene({ brokers: 2 });
    append('m0');
    await settled(1);
    cluster.log(topic).leader = 2;
    cluster.broker(1).staleLeader = 1;
    append('m1');
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
  });

  test('starts a new epoch when the broker has lost the sequence, and loses nothing', async () => {
    const { cluster, append, settled, recording } = await scene({ partitions: 2 });
    for (const key of ['a', 'b', 'c', 'd']) append(`${key}0`, key);
    await settled(4);
    cluster.script.push({ kind: 'error', code: code.outOfOrderSequence, partition: 0 });
    for (const key of ['a', 'b', 'c', 'd']) append(`${key}1`, key);
    await settled(8);
    for (const key of ['a', 'b', 'c', 'd']) append(`${key}2`, key);
    await settled(12);
    const stored = [0, 1].flatMap((partition) => cluster.log(topic, partition).values);
    for (const key of ['a', 'b', 'c', 'd']) {
      expect(stored.filter((value) => value.startsWith(key))).toEqual([`${key}0`, `${key}1`, `${key}2`]);
    }
    expect(recording.of('epochStarted')).toEqual([[topic, 0, 'sequence_lost', 0]]);
    const [before, , after] = cluster.log(topic, 0).arrivals;
    expect(before?.readInt16BE(51)).toBe(0);
    expect([after?.readInt16BE(51), after?.readInt32BE(53)]).toEqual([1, 0]);
  });

  test('counts what may be doubled when a new epoch follows an unanswered attempt', async () => {
    const { cluster, append, settled, recording } = await scene();
    cluster.script.push({ kind: 'store_and_drop' }, { kind: 'error', code: code.unknownProducerId });
    append('m0');
    await settled(1);
    expect(recording.of('epochStarted')).toEqual([[topic, 0, 'sequence_lost', 1]]);
    expect(cluster.log(topic).values).toEqual(['m0', 'm0']);
  });

  test('gets another producer id when its own is fenced', async () => {
    const { cluster, append, settled, recording } = await scene();
    append('m0');
    await settled(1);
    cluster.log(topic).fence();
    append('m1');
    await settled(2);
    append('m2');
    await settled(3);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1', 'm2']);
    expect(cluster.producerIds).toBe(2);
    expect(recording.of('epochStarted')).toEqual([[topic, 0, 'fenced', 0]]);
  });

  test('drops the late bytes of a given-up attempt', async () => {
    const { cluster, append, settled } = await scene({ settings: { requestTimeoutMs: 150 } });
    let storeLate: () => void = () => undefined;
    cluster.script.push({
      kind: 'hang',
      late: (store) => {
        storeLate = store;
      },
    });
    append('m0');
    await settled(1);
    append('m1');
    await settled(2);
    storeLate();
    append('m2');
    await settled(3);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1', 'm2']);
  });

  test('splits a batch that is too large, in order, and rejects only the record that is too large alone', async () => {
    const { cluster, append, settled, settlements, recording, producer } = await scene();
    cluster.log(topic).maxBatchBytes = 1500;
    const incompressible = (name: string, length: number) =>
      `${name}:${Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join('')}`;
    const small = numbers(0, 8).map((name) => incompressible(name, 300));
    const large = incompressible('large', 4000);
    const values = [...small.slice(0, 3), large, ...small.slice(3)];
    for (const value of values) append(value);
    await settled(9);
    append('last');
    await settled(10);
    expect(cluster.log(topic).values).toEqual([...small, 'last']);
    expect(settlements.names('rejected')).toEqual([large]);
    expect(settlements.settled.find(({ name }) => name === large)?.outcome).toMatchObject({
      rejection: { reason: 'too_large' },
    });
    expect(recording.of('recordsRejected')).toEqual([[topic, 'too_large', 1]]);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0 });
  });

  test.each([true, false])('rejects only invalid records (named by the broker: %s)', async (named) => {
    const { cluster, append, settled, settlements, producer } = await scene();
    const log = cluster.log(topic);
    log.namesOffenders = named;
    log.refuses = ({ value }) => value === 'm3' || value === 'm7';
    for (const value of numbers(0, 12)) append(value);
    await settled(12);
    expect(log.values).toEqual(numbers(0, 12).filter((value) => value !== 'm3' && value !== 'm7'));
    expect(settlements.names('rejected')).toEqual(['m3', 'm7']);
    expect(settlements.names('delivered')).toEqual(log.values);
    expect(producer.stats()).toMatchObject({ unsettledRecords: 0, unsettledBytes: 0 });
  });

  test('refuses a record that alone is larger than a batch, without a settlement', async () => {
    const { append, settled, settlements, cluster } = await scene();
    expect(append('x'.repeat(70_000))).toBe(false);
    expect(append('m0')).toBe(true);
    await settled(1);
    expect(settlements.names('delivered')).toEqual(['m0']);
    expect(cluster.log(topic).values).toEqual(['m0']);
  });

  test('does not stall the lanes of other brokers while one hangs', async () => {
    const { cluster, append, settled, settlements } = await scene({ brokers: 2, partitions: 2 });
    cluster.broker(1).frozen = true;
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys) append(key, key);
    await waitFor(() => cluster.log(topic, 1).values.length > 0, { deadlineMs: 5000, what: 'the healthy lane' });
    await waitFor(() => settlements.settled.length > 0, { deadlineMs: 5000, what: 'its settlements' });
    for (const key of keys) append(`${key}-again`, key);
    await waitFor(() => cluster.log(topic, 1).arrivals.length > 1, {
      deadlineMs: 5000,
      what: 'the healthy lane again',
    });
    expect(cluster.log(topic, 0).values).toEqual([]);
    cluster.broker(1).frozen = false;
    await settled(12);
  });

  test('leaves a broker that hangs as soon as the controller has fenced it', async () => {
    const { cluster, append, settled } = await scene({
      brokers: 2,
      settings: { requestTimeoutMs: 60_000, metadataMaxAgeMs: 50 },
    });
    cluster.broker(1).frozen = true;
    append('m0');
    cluster.fenced.add(1);
    cluster.log(topic).leader = 2;
    await settled(1);
    expect(cluster.log(topic).values).toEqual(['m0']);
  });

  test('waits while all brokers are down, says so, and delivers everything afterwards', async () => {
    const { cluster, append, settled, settlements, producer, recording } = await scene();
    append('m0');
    await settled(1);
    await cluster.broker(1).stop();
    for (const value of numbers(1, 100)) append(value);
    await waitFor(() => !producer.isReachable(), { deadlineMs: 5000, what: 'unreachable' });
    await waitFor(() => recording.of('metadataFailed').length > 3, { deadlineMs: 5000, what: 'several attempts' });
    expect(settlements.settled.length).toBe(1);
    await cluster.broker(1).restart(true);
    await settled(100);
    expect(cluster.log(topic).values).toEqual(numbers(0, 100));
    expect(producer.isReachable()).toBe(true);
  });

  test('finds a broker that came back at another address', async () => {
    const { cluster, append, settled } = await scene({ brokers: 2 });
    append('m0');
    await settled(1);
    await cluster.broker(1).stop();
    append('m1');
    await cluster.broker(1).restart(false);
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
  });

  test('keeps the records of a topic that disappears, and delivers them when it is back', async () => {
    const { cluster, append, settled, settlements, recording } = await scene();
    append('m0');
    await settled(1);
    const logs = cluster.topics.get(topic);
    cluster.topics.delete(topic);
    append('m1');
    await waitFor(() => recording.of('metadataRefreshed').length > 2, { deadlineMs: 5000, what: 'some refreshes' });
    expect(settlements.settled.length).toBe(1);
    cluster.topics.set(topic, logs ?? []);
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
  });

  test('uses partitions that are added', async () => {
    const { cluster, append, settled, producer } = await scene({ settings: { metadataMaxAgeMs: 20 } });
    const { PartitionLog } = await import('./fake/partition-log.ts');
    cluster.topics.get(topic)?.push(new PartitionLog(1), new PartitionLog(1));
    await waitFor(() => producer.stats().lanes === 3, { deadlineMs: 5000, what: 'three lanes' });
    for (let i = 0; i < 30; i++) append(`m${i}`, `key-${i}`);
    await settled(30);
    expect([0, 1, 2].every((partition) => cluster.log(topic, partition).values.length > 0)).toBe(true);
  });

  test('puts the ready lanes of a broker into one request, and bounds its size', async () => {
    const { cluster, append, settled } = await scene({ partitions: 8, settings: { maxRequestBytes: 2000 } });
    for (let i = 0; i < 200; i++) append(`m${i}`, `key-${i}`);
    await settled(200);
    const { requestSizes } = cluster.broker(1);
    expect(Math.max(...requestSizes)).toBeGreaterThan(1);
    expect(Math.max(...requestSizes)).toBeLessThan(8);
  });

  test('sends records without a key to one partition after the other', async () => {
    const { cluster, append, settled } = await scene({ partitions: 3 });
    for (let i = 0; i < 9; i++) {
      append(`m${i}`, '');
      await settled(i + 1);
    }
    expect([0, 1, 2].map((partition) => cluster.log(topic, partition).records.length)).toEqual([3, 3, 3]);
    expect(cluster.log(topic, 0).records[0]?.key).toBeNull();
  });

  test('respects the throttle time of a broker', async () => {
    const { cluster, append, settled } = await scene();
    cluster.script.push({ kind: 'throttle', ms: 30 });
    append('m0');
    await settled(1);
    append('m1');
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
  });

  test('keeps the batch of a topic that it may not write to, as a person can mend that', async () => {
    const { cluster, append, settled, recording } = await scene();
    cluster.script.push({ kind: 'error', code: code.topicAuthorizationFailed });
    append('m0');
    await settled(1);
    expect(recording.of('batchRetried')[0]?.slice(2, 4)).toEqual(['needs_operator', 'TOPIC_AUTHORIZATION_FAILED']);
    expect(cluster.log(topic).values).toEqual(['m0']);
  });

  test('goes on when whoever is told an outcome throws', async () => {
    const { producer, append, settled, recording } = await scene();
    const broken = {
      settleRecord: () => {
        throw new Error('defect');
      },
    };
    producer.append(topic, 'vehicle', 0, textEncoder, 'm0', broken);
    append('m1');
    await settled(1);
    expect(recording.of('settleFailed').length).toBe(1);
    await waitFor(() => producer.stats().unsettledRecords === 0, { deadlineMs: 1000, what: 'everything settled' });
  });

  test('leaves the open batch as it was when an encoder throws', async () => {
    const { cluster, producer, append, settled } = await scene();
    const broken = {
      ...textEncoder,
      writeHeaders: () => {
        throw new Error('defect');
      },
    };
    append('m0');
    expect(() => producer.append(topic, 'vehicle', 0, broken, 'xx', { settleRecord: () => undefined })).toThrow(
      'defect',
    );
    append('m1');
    await settled(2);
    expect(cluster.log(topic).values).toEqual(['m0', 'm1']);
  });

  test('takes records that are appended while others are being settled', async () => {
    const { cluster, producer, append, settled, settlements } = await scene();
    const followed = {
      settleRecord: () => {
        append('letter');
      },
    };
    producer.append(topic, 'vehicle', 0, textEncoder, 'm0', followed);
    await settled(1);
    expect(cluster.log(topic).values).toEqual(['m0', 'letter']);
    expect(settlements.names('delivered')).toEqual(['letter']);
  });

  test('throws for a topic that it was not started with', async () => {
    const { producer } = await scene();
    const append = () => producer.append('other', 'k', 0, textEncoder, 'v', { settleRecord: () => undefined });
    expect(append).toThrow(expect.objectContaining({ code: 'topic_not_configured' }));
  });
});

describe('pressure', () => {
  test('rises with what is unsettled and falls when it is settled', async () => {
    const { cluster, producer, append, settled } = await scene({ settings: { softRecords: 10, hardRecords: 20 } });
    const levels: number[] = [];
    producer.onPressure((level) => levels.push(level));
    await cluster.broker(1).stop();
    for (const value of numbers(0, 25)) append(value);
    expect(levels).toEqual([1, 2]);
    expect(producer.pressure).toBe(2);
    await cluster.broker(1).restart(true);
    await settled(25);
    await waitFor(() => producer.pressure === 0, { deadlineMs: 1000, what: 'no pressure' });
  });
});

describe('drain', () => {
  test('delivers what is there without waiting for the linger', async () => {
    const { cluster, producer, append, settlements } = await scene({ settings: { lingerMs: 60_000 } });
    for (const value of numbers(0, 10)) append(value);
    expect(await producer.drain(10_000)).toBe(0);
    expect(settlements.names('delivered')).toEqual(numbers(0, 10));
    expect(cluster.log(topic).values).toEqual(numbers(0, 10));
  });

  test('settles what is left at the deadline as unanswered, once, and takes no more', async () => {
    const { cluster, producer, append, settlements, settled, recording } = await scene();
    cluster.broker(1).frozen = true;
    for (const value of numbers(0, 10)) append(value);
    expect(await producer.drain(30)).toBe(10);
    expect(settlements.names('unanswered')).toEqual(numbers(0, 10));
    expect(recording.of('abandoned')).toEqual([[10]]);
    cluster.broker(1).frozen = false;
    append('late');
    await settled(11);
    expect(settlements.names('unanswered')).toContain('late');
    expect(producer.stats().unsettledRecords).toBe(0);
    await producer.close();
    expect(settlements.settled.length).toBe(11);
  });
});

describe('start', () => {
  const start = (cluster: FakeCluster, settings: Partial<ProducerOptions> = {}) =>
    Producer.start({
      ...quickSettings,
      bootstrapBrokers: cluster.bootstrap,
      topics: [topic],
      observer: new RecordingObserver().observer,
      ...settings,
    });

  test('names the topic that is missing and how to create it', async () => {
    const cluster = await FakeCluster.start(1, {});
    closing.push(() => cluster.close());
    await expect(start(cluster)).rejects.toMatchObject({
      code: 'topic_missing',
      message: expect.stringMatching(
        new RegExp(`no topic ${topic} .*npm run topics -- apply --kafka ${cluster.bootstrap[0]}\\n`, 's'),
      ),
    });
  });

  test('tells where a topic does not fit what is to be written to it', async () => {
    const cluster = await FakeCluster.start(1, { [topic]: 1 });
    closing.push(() => cluster.close());
    cluster.config = {
      'message.timestamp.before.max.ms': '59999',
      'message.timestamp.after.max.ms': '300000',
      'message.timestamp.type': 'LogAppendTime',
      'unclean.leader.election.enable': 'true',
    };
    const recording = new RecordingObserver();
    const timestamps = { maxAheadMs: 300_000, maxBehindMs: 60_000 };
    const demands = new Map([[topic, { maxBatchBytes: quickSettings.maxBatchBytes, timestamps }]]);
    const producer = await start(cluster, { observer: recording.observer, demands });
    closing.push(() => producer.close());
    expect(recording.of('topicFound').map(([finding]) => finding)).toEqual([
      expect.objectContaining({ code: 'no_replication' }),
      { topic, code: 'late_events_refused', message: expect.stringContaining('less than 60000') },
      expect.objectContaining({ code: 'event_time_overwritten' }),
      expect.objectContaining({ code: 'unclean_leaders_allowed' }),
    ]);
  });

  test('refuses a topic that can never acknowledge', async () => {
    const cluster = await FakeCluster.start(1, { [topic]: 1 });
    closing.push(() => cluster.close());
    cluster.config = { 'min.insync.replicas': '2' };
    await expect(start(cluster)).rejects.toMatchObject({ code: 'topic_never_in_sync' });
  });

  test('gives up when no broker answers in time', async () => {
    const cluster = await FakeCluster.start(1, { [topic]: 1 });
    await cluster.close();
    await expect(start(cluster, { startTimeoutMs: 100 })).rejects.toMatchObject({ code: 'kafka_unreachable' });
  });

  test('waits for a producer id without checking and reporting the topics again', async () => {
    const cluster = await FakeCluster.start(1, { [topic]: 1 });
    closing.push(() => cluster.close());
    cluster.producerIdErrors.push(code.coordinatorLoadInProgress, code.coordinatorLoadInProgress);
    const recording = new RecordingObserver();
    const producer = await start(cluster, { observer: recording.observer });
    closing.push(() => producer.close());
    expect(recording.of('producerIdFailed').length).toBe(2);
    expect(recording.of('topicFound').map(([finding]) => finding)).toEqual([
      expect.objectContaining({ code: 'no_replication' }),
    ]);
  });

  test('skips a bootstrap broker that does not answer', async () => {
    const cluster = await FakeCluster.start(2, { [topic]: 2 });
    closing.push(() => cluster.close());
    await cluster.broker(1).stop();
    const producer = await start(cluster);
    await producer.close();
  });

  test('refuses contradicting settings', async () => {
    const cluster = await FakeCluster.start(1, { [topic]: 1 });
    closing.push(() => cluster.close());
    await expect(start(cluster, { softRecords: 5, hardRecords: 5 })).rejects.toMatchObject({
      code: 'invalid_settings',
    });
    await expect(start(cluster, { bootstrapBrokers: ['nonsense'] })).rejects.toMatchObject({
      code: 'invalid_settings',
    });
  });
});
