import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byKey, type ExactRecord, kafkaClient, readExactly } from '../support/exact-records.ts';
import { runCommand, startCommand } from '../support/run-command.ts';
import { sharedServers } from '../support/servers.ts';
import { createTopic } from '../support/topics.ts';
import { waitFor } from '../support/wait-for.ts';

const { bootstrap } = sharedServers();
const start = Date.parse('2025-11-20T10:00:00Z');
const minute = 60_000;
const main = 'replay/main.ts';
let folder: string;

const replay = (...args: readonly string[]) => runCommand(main, ['--kafka', bootstrap.join(','), ...args], folder);

type Message = kafkajs.Message;

/** The records here are old: without this, Kafka might delete them while they are copied. */
const lastingTopic = ({ partitions, config }: { partitions: number; config?: Record<string, string> }) =>
  createTopic(bootstrap, { partitions, config: { 'retention.ms': '-1', ...config } });

async function produce(topic: string, messages: readonly Message[], compression = kafkajs.CompressionTypes.None) {
  const producer = kafkaClient(bootstrap).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [...messages], compression });
  await producer.disconnect();
}

/** Records of an hour, many of them late: record `i` of a vehicle is dated up to 20 minutes before its predecessor. */
function hour(records: number): Message[] {
  return Array.from({ length: records }, (_, i) => ({
    key: `veh-${i % 7}`,
    value: Buffer.from(`report ${i}`),
    timestamp: String(start + Math.floor((i * 60 * minute) / records) - (i % 3) * 10 * minute),
    headers: { ce_id: `dev:${i}`, empty: '', twice: ['a', 'b'] },
  }));
}

const isIn = (record: ExactRecord, fromMs: number, toMs: number): boolean =>
  Number(record.timestamp) >= fromMs && Number(record.timestamp) < toMs;

/** Java's partitions, by kafkajs. */
function partitionsOf(records: readonly ExactRecord[], topic: string, partitions: number): number[] {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  const partition = kafkajs.Partitioners.DefaultPartitioner();
  return records.map(({ key }) =>
    partition({ topic, partitionMetadata, message: { key: Buffer.from(key ?? '', 'hex'), value: null } }),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('npm run replay', () => {
  it('copies a span of time: keys, order per key, timestamps, headers, null and empty, whatever the compression', async () => {
    const topic = await lastingTopic({ partitions: 3 });
    const to = await lastingTopic({ partitions: 5 });
    const all = hour(600);
    await produce(topic, all.slice(0, 200));
    await produce(topic, all.slice(200, 400), kafkajs.CompressionTypes.GZIP);
    await produce(topic, all.slice(400), kafkajs.CompressionTypes.LZ4);
    const odd = { key: 'veh-1', timestamp: String(start + 25 * minute) };
    await produce(topic, [
      { ...odd, value: null, headers: {} },
      { ...odd, value: Buffer.alloc(0) },
      { ...odd, key: Buffer.from([0xff, 0x00, 0xfe]), value: 'no text' },
      { ...odd, key: Buffer.alloc(0), value: 'empty key' },
      { ...odd, key: null, value: 'no key' },
    ]);
    const [fromMs, toMs] = [start + 20 * minute, start + 40 * minute];
    const wanted = (await readExactly(bootstrap, topic)).filter((record) => isIn(record, fromMs, toMs));
    expect(wanted.length).toBeGreaterThan(150);

    const { code, err, figures } = await replay(
      ...['--topic', topic, '--to-topic', to],
      ...['--from', new Date(fromMs).toISOString(), '--to', new Date(toMs).toISOString()],
    );
    expect(code).toBe(0);
    expect(err).not.toContain('warning');
    expect(figures).toMatchObject({ complete: true, matched: wanted.length, copied: wanted.length, alreadyThere: 0 });
    const copies = await readExactly(bootstrap, to);
    expect(byKey(copies)).toEqual(byKey(wanted));
    const keyed = copies.filter(({ key }) => key !== null && key !== '');
    expect(keyed.map(({ partition }) => partition)).toEqual(partitionsOf(keyed, to, 5));
    expect(await readdir(folder)).toEqual([]);
  });

  it('copies only the vehicles that are named', async () => {
    const topic = await lastingTopic({ partitions: 2 });
    const to = await lastingTopic({ partitions: 1 });
    await produce(topic, hour(70));
    const span = ['--from', '2025-11-20', '--to', '2025-11-21'];
    const { figures } = await replay(
      '--topic',
      topic,
      '--to-topic',
      to,
      ...span,
      '--vehicle',
      'veh-2',
      '--vehicle',
      'veh-4',
    );
    expect(figures).toMatchObject({ copied: 20 });
    const keys = (await readExactly(bootstrap, to)).map(({ key }) => Buffer.from(key ?? '', 'hex').toString());
    expect(new Set(keys)).toEqual(new Set(['veh-2', 'veh-4']));
  });

  it('leaves out what was written in a transaction that was aborted', async () => {
    const topic = await lastingTopic({ partitions: 1 });
    const to = await lastingTopic({ partitions: 1 });
    const producer = kafkaClient(bootstrap).producer({
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    for (const outcome of ['committed', 'aborted', 'committed again'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value: outcome, timestamp: String(start) }] });
      if (outcome === 'aborted') await transaction.abort();
      else await transaction.commit();
    }
    await producer.disconnect();
    const { code, figures } = await replay('--topic', topic, '--to-topic', to, '--from', '2025-11-20');
    expect({ code, figures }).toMatchObject({ code: 0, figures: { copied: 2 } });
    const values = (await readExactly(bootstrap, to)).map(({ value }) => Buffer.from(value ?? '', 'hex').toString());
    expect(values).toEqual(['committed', 'committed again']);
  });

  it('goes on after kill -9, twice, without losing or doubling a record', async () => {
    const topic = await lastingTopic({ partitions: 3 });
    const to = await lastingTopic({ partitions: 4 });
    await produce(topic, hour(12_000), kafkajs.CompressionTypes.GZIP);
    const progress = join(folder, 'killed.json');
    const args = ['--topic', topic, '--to-topic', to, '--from', '2025-11-20', '--to', '2025-11-21'];
    const slow = ['--kafka', bootstrap.join(','), ...args, '--progress', progress, '--rate', '2000'];
    const copied = () =>
      existsSync(progress)
        ? Number((JSON.parse(readFileSync(progress, 'utf8')) as { counts: { copied: number } }).counts.copied)
        : 0;
    let before = 0;
    for (let kill = 0; kill < 2; kill++) {
      const running = startCommand(main, slow, folder);
      await waitFor(() => copied() > before, { deadlineMs: 60_000, what: 'a note of what was copied' });
      before = copied();
      // So that something has been copied after the note.
      await waitFor(async () => (await lengthOf(to)) > before + 100, { deadlineMs: 60_000, what: 'more copies' });
      running.child.kill('SIGKILL');
      expect((await running.result).code).not.toBe(0);
    }
    const { code, figures } = await replay(...args, '--progress', progress);
    expect({ code, figures }).toMatchObject({ code: 0, figures: { complete: true, resumed: true, matched: 12_000 } });
    expect(figures?.alreadyThere).toBeGreaterThan(0);
    expect(byKey(await readExactly(bootstrap, to))).toEqual(byKey(await readExactly(bootstrap, topic)));
    expect(existsSync(progress)).toBe(false);
  });

  it('stops in order on SIGTERM, and says that the same command goes on', async () => {
    const topic = await lastingTopic({ partitions: 1 });
    const to = await lastingTopic({ partitions: 1 });
    await produce(topic, hour(1000));
    const args = ['--topic', topic, '--to-topic', to, '--from', '2025-11-20', '--to', '2025-11-21'];
    const running = startCommand(main, ['--kafka', bootstrap.join(','), ...args, '--rate', '50'], folder);
    await waitFor(async () => (await lengthOf(to)) > 10, { deadlineMs: 60_000, what: 'copies' });
    running.child.kill('SIGTERM');
    const stopped = await running.result;
    expect(stopped).toMatchObject({ code: 1, figures: { complete: false } });
    expect(stopped.err).toContain('the same command goes on');
    const { figures } = await replay(...args);
    expect(figures).toMatchObject({ complete: true, resumed: true, alreadyThere: 0 });
    expect(byKey(await readExactly(bootstrap, to))).toEqual(byKey(await readExactly(bootstrap, topic)));
  });

  it('refuses what would not be a copy: the same topic, append times, a topic that is not there', async () => {
    const topic = await lastingTopic({ partitions: 1 });
    const same = await replay('--topic', topic, '--to-topic', topic, '--from', '1h');
    expect(same).toMatchObject({ code: 2 });
    expect(same.err).toContain('--allow-same-topic');
    const config = { 'message.timestamp.type': 'LogAppendTime' };
    const stamped = await lastingTopic({ partitions: 1, config });
    const append = await replay('--topic', topic, '--to-topic', stamped, '--from', '1h');
    expect(append).toMatchObject({ code: 1 });
    expect(append.err).toContain('message.timestamp.type');
    const missing = await replay('--topic', topic, '--to-topic', 'nowhere', '--from', '1h');
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.err).toContain('no topic nowhere');
    const backwards = await replay('--topic', topic, '--to-topic', stamped, '--from', '1h', '--to', '2h');
    expect(backwards).toMatchObject({ code: 2 });
  });
});

async function lengthOf(topic: string): Promise<number> {
  const admin = kafkaClient(bootstrap).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}
