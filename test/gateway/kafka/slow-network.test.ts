import { describe, expect, test } from 'vitest';
import { Producer } from '../../../gateway/kafka/producer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FakeCluster } from './fake/fake-cluster.ts';
import { quickSettings, RecordingObserver } from './recording.ts';
import { closing, numbers, scene, topic } from './scene.ts';

const requestTimeoutMs = 1000;
/** More than a broker gets while there may be a better one to ask, and less than a request may take. */
const latencyMs = 600;

describe('a network with a latency that a request still survives', () => {
  test('does not keep the producer from starting', async () => {
    const cluster = await FakeCluster.start(3, { [topic]: 3 });
    closing.push(() => cluster.close());
    for (const broker of cluster.brokers) broker.latencyMs = latencyMs;
    const producer = await Producer.start({
      ...quickSettings,
      requestTimeoutMs,
      startTimeoutMs: 500,
      bootstrapBrokers: cluster.bootstrap,
      topics: [topic],
      observer: new RecordingObserver().observer,
    });
    await producer.close();
  });

  test('does not keep it from following a partition to its new leader', async () => {
    const { cluster, append, settled } = await scene({ brokers: 2, settings: { requestTimeoutMs } });
    append('m0');
    await settled(1);
    for (const broker of cluster.brokers) broker.latencyMs = latencyMs;
    cluster.log(topic).leader = 2;
    for (const value of numbers(1, 4)) append(value);
    await settled(4);
    expect(cluster.log(topic).values).toEqual(numbers(0, 4));
  });
});

describe('brokers that hang', () => {
  test('are noticed by an idle gateway before each has had the time of a request', async () => {
    const { cluster, producer } = await scene({
      brokers: 2,
      settings: { requestTimeoutMs: 10_000, metadataMaxAgeMs: 50, unreachableAfterMs: 10 },
    });
    for (const broker of cluster.brokers) broker.frozen = true;
    await waitFor(() => !producer.isReachable(), { deadlineMs: 9000, what: 'the outage to be noticed' });
  });
});
