import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { kafkaTool } from '../../../deploy/local/tools.ts';
import { undated } from '../../../gateway/core/record-sink.ts';
import { Producer } from '../../../gateway/kafka/producer.ts';
import type { KafkaSettings } from '../../../gateway/kafka/settings.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { sharedServers } from '../../support/servers.ts';
import { createTopic } from '../../support/topics.ts';
import { waitFor } from '../../support/wait-for.ts';
import { judge, Load } from './load.ts';
import { quickSettings, RecordingObserver, Settlements, textEncoder } from './recording.ts';

const producers: Producer[] = [];

afterEach(async () => {
  for (const producer of producers.splice(0)) await producer.close();
});

async function start(topic: string, settings: Partial<KafkaSettings> = {}) {
  const recording = new RecordingObserver();
  const producer = await Producer.start({
    ...quickSettings,
    requestTimeoutMs: 10_000,
    bootstrapBrokers: sharedServers().bootstrap,
    topics: [topic],
    observer: recording.observer,
    ...settings,
  });
  producers.push(producer);
  return { producer, recording };
}

const untilSettled = (settlements: Settlements, count: number) =>
  waitFor(() => settlements.settled.length >= count, { deadlineMs: 30_000, what: `${count} settlements` });

describe('records on a real Kafka', () => {
  test('are read back by another client, complete and in order', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, { partitions: 12 });
    const { producer } = await start(topic);
    const load = new Load(producer, topic, 100);
    await load.run(100, 100, 1);
    await untilSettled(load.settlements, 10_000);
    const records = await readTopic(bootstrap, topic);
    expect(judge(load.settlements.names('delivered'), records)).toEqual({
      records: 10_000,
      distinct: 10_000,
      lost: 0,
      outOfOrder: 0,
    });
    for (const { key, value, timestampMs } of records) {
      const [vehicle, number] = String(value).split(':');
      expect(key).toBe(vehicle);
      expect(timestampMs).toBe(load.startedAtMs + Number(number) * 100 + Number(vehicle?.slice('vehicle-'.length)));
    }
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(12);
  });

  test('are stored undated, between dated ones, where a date too far ahead is refused', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, { partitions: 1 });
    const { producer } = await start(topic);
    const settlements = new Settlements();
    const now = Date.now();
    const dates: Record<string, number> = { now, ahead: now + 2 * 3_600_000, undated, later: now + 1 };
    for (const [name, timestampMs] of Object.entries(dates)) {
      producer.append(topic, 'k', timestampMs, textEncoder, name, settlements.of(name));
    }
    await untilSettled(settlements, 4);
    expect(settlements.names('rejected')).toEqual(['ahead']);
    const stored = (await readTopic(bootstrap, topic)).map(({ value, timestampMs }) => [String(value), timestampMs]);
    expect(stored).toEqual([
      ['now', now],
      ['undated', -1],
      ['later', now + 1],
    ]);
  });

  test('lie in the partitions that the Java client chooses, and are read by the Java consumer', async () => {
    const { bootstrap } = sharedServers();
    const [ours, javas] = await Promise.all([
      createTopic(bootstrap, { partitions: 12 }),
      createTopic(bootstrap, { partitions: 12 }),
    ]);
    const keys = [
      ...Array.from({ length: 200 }, (_, i) => `veh-${i * 37}`),
      'ä',
      'Größe-7',
      '車両',
      '🚲-1',
      'x'.repeat(200),
    ];
    const { producer } = await start(ours);
    const settlements = new Settlements();
    for (const key of keys) producer.append(ours, key, 1_700_000_000_000, textEncoder, key, settlements.of(key));
    await untilSettled(settlements, keys.length);

    const server = ['--bootstrap-server', bootstrap.join(',')];
    const stdin = `${keys.map((key) => `${key}\t${key}`).join('\n')}\n`;
    const format = ['--reader-property', 'parse.key=true'];
    await kafkaTool('org.apache.kafka.tools.ConsoleProducer', [...server, '--topic', javas, ...format], { stdin });
    const placed = async (topic: string) =>
      Object.fromEntries((await readTopic(bootstrap, topic)).map(({ key, partition }) => [key, partition]));
    expect(await placed(ours)).toEqual(await placed(javas));

    const consumer = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...[...server, '--topic', ours, '--from-beginning', '--timeout-ms', '20000'],
      ...[
        '--max-messages',
        String(keys.length),
        '--formatter-property',
        'print.key=true',
        '--formatter-property',
        'print.timestamp=true',
      ],
    ]);
    const lines = consumer.stdout.trim().split('\n').sort();
    expect(lines).toEqual(keys.map((key) => `CreateTime:1700000000000\t${key}\t${key}`).sort());
  });

  test('of event times far apart keep them', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, {
      partitions: 1,
      config: { 'message.timestamp.after.max.ms': '9223372036854775807' },
    });
    const { producer } = await start(topic);
    const settlements = new Settlements();
    const times = [1_700_000_000_000, 1, 4_102_444_800_000, 1_699_999_999_999, 0];
    for (const time of times) producer.append(topic, 'k', time, textEncoder, `${time}`, settlements.of(`${time}`));
    await untilSettled(settlements, times.length);
    const records = await readTopic(bootstrap, topic);
    expect(records.map(({ timestampMs }) => timestampMs)).toEqual(times);
  });

  test('that Kafka refuses are rejected one by one, and the others delivered in order', async () => {
    const { bootstrap } = sharedServers();
    // A compacted topic takes no record without a key.
    const topic = await createTopic(bootstrap, { partitions: 1, config: { 'cleanup.policy': 'compact' } });
    const { producer } = await start(topic, { lingerMs: 50 });
    const settlements = new Settlements();
    const names = Array.from({ length: 20 }, (_, i) => `m${i}`);
    for (const [i, name] of names.entries()) {
      producer.append(topic, i % 7 === 3 ? '' : name, 1_700_000_000_000, textEncoder, name, settlements.of(name));
    }
    await untilSettled(settlements, 20);
    expect(settlements.names('rejected')).toEqual(['m3', 'm10', 'm17']);
    const values = (await readTopic(bootstrap, topic)).map(({ value }) => String(value));
    expect(values).toEqual(names.filter((_, i) => i % 7 !== 3));
  });

  test('that are larger than the topic takes are rejected, after their batch was split', async () => {
    const { bootstrap } = sharedServers();
    const topic = await createTopic(bootstrap, { partitions: 1, config: { 'max.message.bytes': '2000' } });
    const { producer, recording } = await start(topic, { lingerMs: 50 });
    const settlements = new Settlements();
    const names = Array.from({ length: 10 }, (_, i) => `m${i}`);
    const text = (name: string) => {
      const size = name === 'm4' ? 4000 : 300;
      return name + Buffer.from(crypto.getRandomValues(new Uint8Array(size))).toString('base64');
    };
    for (const name of names)
      producer.append(topic, 'k', 1_700_000_000_000, textEncoder, text(name), settlements.of(name));
    await untilSettled(settlements, 10);
    expect(settlements.names('rejected')).toEqual(['m4']);
    const values = (await readTopic(bootstrap, topic)).map(({ value }) => String(value).slice(0, 2));
    expect(values).toEqual(names.filter((name) => name !== 'm4'));
    expect(recording.of('batchSplit').length).toBeGreaterThan(1);
    expect(recording.of('topicFound').map(([finding]) => finding)).toContainEqual(
      expect.objectContaining({ code: 'batches_larger_than_topic_takes' }),
    );
  });
});

describe('topics on a real Kafka', () => {
  test('are created when that is allowed, and used at once', async () => {
    const topic = `test-${randomUUID()}`;
    const createTopics = { enabled: true, partitions: 3, replicationFactor: 1, minInSyncReplicas: 1 };
    const { producer, recording } = await start(topic, { createTopics });
    expect(recording.of('topicFound').map(([finding]) => finding)).toEqual([
      expect.objectContaining({ topic, code: 'created' }),
      expect.objectContaining({ topic, code: 'no_replication' }),
    ]);
    expect(producer.stats().lanes).toBe(3);
    const load = new Load(producer, topic, 10);
    load.append(100);
    await untilSettled(load.settlements, 100);
    expect(judge(load.settlements.names('delivered'), await readTopic(sharedServers().bootstrap, topic)).lost).toBe(0);
  });

  test('that cannot be created say why', async () => {
    const createTopics = { enabled: true, partitions: 3, replicationFactor: 3, minInSyncReplicas: 2 };
    const starting = start(`test-${randomUUID()}`, { createTopics });
    await expect(starting).rejects.toMatchObject({
      code: 'topic_not_created',
      message: expect.stringContaining('INVALID_REPLICATION_FACTOR'),
    });
  });
});
