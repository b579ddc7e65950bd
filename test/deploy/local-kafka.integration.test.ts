import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { visibleBrokers } from '../../deploy/local/kafka-ready.ts';
import { kafkaTool } from '../../deploy/local/tools.ts';
import { createTopic } from '../support/topics.ts';
import { waitFor } from '../support/wait-for.ts';

/** Writes with acks=all through Kafka's own console producer. */
async function produce(kafka: LocalKafka, topic: string, lines: readonly string[]): Promise<void> {
  const args = ['--bootstrap-server', kafka.bootstrap.join(','), '--topic', topic, '--command-property', 'acks=all'];
  await kafkaTool('org.apache.kafka.tools.ConsoleProducer', args, { stdin: `${lines.join('\n')}\n` });
}

/** The end offset of partition 0, as Kafka's own tool reads it. */
async function endOffset(kafka: LocalKafka, topic: string): Promise<number> {
  const args = ['--bootstrap-server', kafka.bootstrap.join(','), '--topic', topic];
  const { stdout } = await kafkaTool('org.apache.kafka.tools.GetOffsetShell', args);
  return Number(stdout.trim().split(':')[2]);
}

describe('one local broker', () => {
  let dir = '';
  let kafka: LocalKafka;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edge-kafka-test-'));
    kafka = await startKafka({ brokers: 1, dir });
  });
  afterAll(async () => {
    await kafka.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('has its records back after SIGKILL, and after all of it was closed and opened again', async () => {
    const topic = await createTopic(kafka.bootstrap, { partitions: 1 });
    await produce(kafka, topic, ['a', 'b', 'c']);
    const [broker] = kafka.brokers as [LocalKafka['brokers'][0]];
    const pid = broker.pid;
    await broker.kill();
    await broker.start();
    expect(broker.pid).not.toBe(pid);
    expect(await endOffset(kafka, topic)).toBe(3);

    await kafka.close();
    kafka = await startKafka({ brokers: 1, dir });
    await produce(kafka, topic, ['d']);
    expect(await endOffset(kafka, topic)).toBe(4);
  }, 240_000);

  test('is reached by SIGKILL while it starts, and started once however often it is asked', async () => {
    const [broker] = kafka.brokers as [LocalKafka['brokers'][0]];
    await broker.kill();
    const before = broker.pid;
    const interrupted = expect(broker.start()).rejects.toMatchObject({ code: 'server_died' });
    await waitFor(() => broker.pid !== before, { deadlineMs: 10_000, what: 'the process to be started' });
    await broker.kill();
    await interrupted;
    expect(broker.isRunning()).toBe(false);
    await Promise.all([broker.start(), broker.start()]);
    const { pid } = broker;
    // On its way down: the start comes after its end.
    const stopped = broker.stop();
    await Promise.all([stopped, broker.start()]);
    expect(broker.isRunning()).toBe(true);
    expect(broker.pid).not.toBe(pid);
  }, 240_000);

  test('refuses a port that is taken, naming it', async () => {
    const port = kafka.brokers[0]?.port ?? 0;
    await expect(startKafka({ brokers: 1, ports: [port] })).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(`port ${port}`),
    });
  });

  test('refuses the directory of a cluster of another size', async () => {
    await expect(startKafka({ brokers: 3, dir })).rejects.toMatchObject({
      code: 'wrong_directory',
      message: expect.stringContaining('--brokers 1'),
    });
  });

  test("a tool's failure carries what it said", async () => {
    const args = ['--bootstrap-server', kafka.bootstrap.join(','), '--describe', '--topic', 'no-such-topic'];
    await expect(kafkaTool('org.apache.kafka.tools.TopicCommand', args)).rejects.toMatchObject({
      code: 'tool_failed',
      message: expect.stringContaining('no-such-topic'),
    });
  });
});

describe('three local brokers', () => {
  let kafka: LocalKafka | undefined;
  afterEach(() => kafka?.close());

  test('keep taking writes on two in-sync replicas while one is gone or hangs, and see it again afterwards', async () => {
    kafka = await startKafka({ brokers: 3 });
    const cluster = kafka;
    const [first, second, third] = cluster.brokers as [
      LocalKafka['brokers'][0],
      LocalKafka['brokers'][0],
      LocalKafka['brokers'][0],
    ];
    const watchers = cluster.bootstrap.slice(1);
    const seenByOthers = (count: number): Promise<boolean> =>
      waitFor(
        async () => {
          const seen = await Promise.all(watchers.map(visibleBrokers));
          return seen.every((brokers) => brokers.length === count);
        },
        { deadlineMs: 60_000, what: `the others to see ${count} brokers` },
      );
    const topic = await createTopic(cluster.bootstrap, { partitions: 1, replication: 3 });

    await first.kill();
    await seenByOthers(2);
    await produce(cluster, topic, ['while one is dead']);
    await first.start();
    await seenByOthers(3);

    first.pause();
    await seenByOthers(2);
    await produce(cluster, topic, ['while one hangs']);
    first.resume();
    await seenByOthers(3);

    await Promise.all([second.stop(), third.stop()]);
    await Promise.all([second.start(), third.start()]);
    await seenByOthers(3);
    expect(await endOffset(cluster, topic)).toBe(2);
    // Eight starts of a Java machine and two fail-overs, on a machine that may be busy with other suites.
  }, 300_000);
});
