import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type LocalKafka, startKafka } from '../../../deploy/local/kafka.ts';
import { Producer } from '../../../gateway/kafka/producer.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { createTopic } from '../../support/topics.ts';
import { waitFor } from '../../support/wait-for.ts';
import { judge, Load } from './load.ts';
import { quickSettings, RecordingObserver } from './recording.ts';

let kafka: LocalKafka;
let producer: Producer | undefined;

afterEach(async () => {
  await producer?.close();
});

async function start(topic: string) {
  const recording = new RecordingObserver();
  producer = await Producer.start({
    ...quickSettings,
    lingerMs: 5,
    requestTimeoutMs: 3000,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 500,
    unreachableAfterMs: 500,
    bootstrapBrokers: kafka.bootstrap,
    topics: [topic],
    observer: recording.observer,
  });
  return { producer, recording, load: new Load(producer, topic, 50) };
}

const untilSettled = ({ settlements }: Load, count: number) =>
  waitFor(() => settlements.settled.length >= count, {
    deadlineMs: 90_000,
    what: () => `${count} settlements, so far ${settlements.settled.length}`,
  });

describe('with one broker', () => {
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(() => kafka.close());

  test.each(['stop', 'kill'] as const)(
    'nothing is lost or doubled when it is ended (%s) and started again',
    async (how) => {
      const topic = await createTopic(kafka.bootstrap, { partitions: 6 });
      const { load, producer: ours } = await start(topic);
      const broker = kafka.brokers[0];
      let ended: Promise<void> | undefined;
      await load.run(40, 100, 10, (round) => {
        if (round === 10) ended = broker?.[how]();
      });
      await waitFor(() => !ours.isReachable(), { deadlineMs: 30_000, what: 'the gateway to notice' });
      const settledBefore = load.settlements.settled.length;
      expect(settledBefore).toBeLessThan(4000);
      // A broker that is still on its way down would not be started.
      await ended;
      await broker?.start();
      await load.run(20, 100, 10);
      await untilSettled(load, 6000);
      expect(ours.isReachable()).toBe(true);
      expect(judge(load.settlements.names('delivered'), await readTopic(kafka.bootstrap, topic))).toEqual({
        records: 6000,
        distinct: 6000,
        lost: 0,
        outOfOrder: 0,
      });
    },
  );

  test('nothing is lost or doubled when it hangs for longer than a request may take', async () => {
    const topic = await createTopic(kafka.bootstrap, { partitions: 6 });
    const { load, recording } = await start(topic);
    const broker = kafka.brokers[0];
    await load.run(30, 100, 10, async (round) => {
      if (round === 10) broker?.pause();
    });
    await waitFor(() => recording.of('requestEnded').some(([, , , , failure]) => failure !== undefined), {
      deadlineMs: 30_000,
      what: 'a request to be given up',
    });
    broker?.resume();
    await untilSettled(load, 3000);
    expect(judge(load.settlements.names('delivered'), await readTopic(kafka.bootstrap, topic))).toEqual({
      records: 3000,
      distinct: 3000,
      lost: 0,
      outOfOrder: 0,
    });
  });
});

describe('with three brokers', () => {
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 });
  });
  afterAll(() => kafka.close());

  test('nothing is lost or put out of order while brokers are killed, hang and return', async () => {
    const topic = await createTopic(kafka.bootstrap, {
      partitions: 9,
      replication: 3,
      config: { 'min.insync.replicas': '2' },
    });
    const { load } = await start(topic);
    const [first, second] = kafka.brokers;
    await load.run(300, 50, 10, async (round) => {
      if (round === 50) await first?.kill();
    });
    await untilSettled(load, 15_000);
    await first?.start();
    await load.run(300, 50, 10, async (round) => {
      if (round === 50) second?.pause();
    });
    await untilSettled(load, 30_000);
    second?.resume();
    await load.run(50, 50, 10);
    await untilSettled(load, 32_500);
    const verdict = judge(load.settlements.names('delivered'), await readTopic(kafka.bootstrap, topic));
    expect(verdict).toMatchObject({ distinct: 32_500, lost: 0, outOfOrder: 0 });
    // Every repeat went out with its own sequence number: the brokers have recognised them all.
    expect(verdict.records).toBe(32_500);
  });
});
