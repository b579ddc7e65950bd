import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalBroker, type LocalKafka, startKafka } from '../../../deploy/local/kafka.ts';
import { describePartitions, moveLeadersTo, waitForInSync } from '../../../faults/injectors/partitions.ts';
import { SmallDisk } from '../../../faults/injectors/small-disk.ts';
import { TcpProxy } from '../../../faults/injectors/tcp-proxy.ts';
import { Producer } from '../../../gateway/kafka/producer.ts';
import { judge, Load } from '../../gateway/kafka/load.ts';
import { quickSettings, RecordingObserver } from '../../gateway/kafka/recording.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { createTopic } from '../../support/topics.ts';
import { waitFor } from '../../support/wait-for.ts';

const DISK_BYTES = 128 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 3000;
const hasDisks = await SmallDisk.isAvailable();

let kafka: LocalKafka;
let proxies: TcpProxy[];
let disks: SmallDisk[] = [];
let ownDir: string;
let topic: string;
let producer: Producer | undefined;
let load: Load;
let recording: RecordingObserver;
const died: string[] = [];

/** Broker 2 has a small disk beside its own; broker 3 has nothing but one. */
beforeAll(async () => {
  disks = hasDisks ? await Promise.all([1, 2].map(() => SmallDisk.mount({ sizeBytes: DISK_BYTES }))) : [];
  ownDir = await mkdtemp(join(tmpdir(), 'edge-broker-'));
  const [second, only] = disks.map(({ path }) => join(path, 'kafka'));
  kafka = await startKafka({
    brokers: 3,
    proxied: true,
    ...(second === undefined ? {} : { dataDirs: [undefined, [ownDir, second], only] }),
    onUnexpectedEnd: (error) => died.push(error.message),
  });
  proxies = await Promise.all(kafka.brokers.map(({ proxied }) => startProxy(proxied)));
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await kafka.close();
  await Promise.all(disks.map((disk) => disk.close()));
  await rm(ownDir, { recursive: true, force: true });
});
afterEach(() => producer?.close());

function startProxy(ports: LocalBroker['proxied']): Promise<TcpProxy> {
  if (ports === undefined) throw new Error('the broker has no proxied listener');
  return TcpProxy.start({ listenPort: ports.advertisedPort, targetPort: ports.listenPort });
}

async function startLoad(bootstrapBrokers: string[]): Promise<void> {
  const config = { 'min.insync.replicas': '2' };
  topic = await createTopic(kafka.bootstrap, { partitions: 6, replication: 3, config });
  await waitForInSync(kafka.bootstrap, [topic]);
  recording = new RecordingObserver();
  producer = await Producer.start({
    ...quickSettings,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    retryBackoffMs: 50,
    retryBackoffMaxMs: 500,
    unreachableAfterMs: 500,
    bootstrapBrokers,
    topics: [topic],
    observer: recording.observer,
  });
  load = new Load(producer, topic, 60);
}

const settled = (): number => load.settlements.settled.length;

const untilSettled = (count: number): Promise<unknown> =>
  waitFor(() => settled() >= count, {
    deadlineMs: 60_000,
    what: () => `${count} settlements, so far ${settled()}`,
  });

async function expectAllOnce(): Promise<void> {
  const count = load.appended;
  const verdict = judge(load.settlements.names('delivered'), await readTopic(kafka.bootstrap, topic));
  expect(verdict).toEqual({ records: count, distinct: count, lost: 0, outOfOrder: 0 });
}

describe('a gateway behind proxies', () => {
  it('delivers nothing while it is cut off, and everything once afterwards', async () => {
    await startLoad(kafka.proxiedBootstrap);
    load.append(600);
    await untilSettled(600);
    await Promise.all(proxies.map((proxy) => proxy.cut()));
    load.append(600);
    await waitFor(() => producer?.isReachable() === false, { deadlineMs: 30_000, what: 'the gateway to notice' });
    expect(settled()).toBe(600);
    await Promise.all(proxies.map((proxy) => proxy.heal()));
    await untilSettled(1200);
    await expectAllOnce();
  });

  it('goes on with the partitions of the other brokers while one does not answer, and doubles nothing', async () => {
    await startLoad(kafka.proxiedBootstrap);
    load.append(600);
    await untilSettled(600);
    const ledByFirst = (await describePartitions(kafka.bootstrap, topic)).filter(({ leader }) => leader === 1).length;
    expect(ledByFirst).toBeGreaterThan(0);
    proxies[0]?.blackhole('toClient');
    load.append(600);
    // More than a request's timeout: the answers are given up, and the broker is sent again what it has already stored.
    await waitFor(() => recording.of('requestEnded').some(([, , , , failure]) => failure !== undefined), {
      deadlineMs: 30_000,
      what: 'a request to be given up',
    });
    expect(settled()).toBeGreaterThan(600);
    expect(settled()).toBeLessThan(1200);
    await proxies[0]?.heal();
    await untilSettled(1200);
    await expectAllOnce();
  });

  it('waits for answers that are slow, and keeps their order', async () => {
    await startLoad(kafka.proxiedBootstrap);
    for (const proxy of proxies) proxy.setLatencyMs(300);
    const startedMs = performance.now();
    for (let i = 0; i < 10; i++) load.append(60);
    await waitFor(() => settled() > 0, { deadlineMs: 30_000, what: 'the first settlement' });
    // The proxies hold every byte that long; a lower bound, whatever else the machine does.
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(599);
    await untilSettled(600);
    for (const proxy of proxies) proxy.setLatencyMs(0);
    await expectAllOnce();
  });
});

describe.runIf(hasDisks)('a broker whose disk is full', () => {
  it('ends when it has no other, loses nothing, and comes back with its data when there is space again', async () => {
    const [, disk] = disks as [SmallDisk, SmallDisk];
    const broker = kafka.brokers[2] as LocalBroker;
    await startLoad(kafka.bootstrap);
    await moveLeadersTo(kafka.bootstrap, topic, 3);
    load.append(600);
    await untilSettled(600);
    await disk.fill();
    await waitFor(() => load.append(60) ?? !broker.isRunning(), { deadlineMs: 60_000, what: 'the broker to end' });
    await waitFor(() => died.length > 0, { deadlineMs: 5000, what: 'its end to be reported' });
    expect(died.splice(0).join()).toContain('Kafka broker 3 ended with exit code 1');
    await untilSettled(load.appended);
    await disk.free();
    await broker.start();
    await waitForInSync(kafka.bootstrap, [topic]);
    await expectAllOnce();
  });

  it('goes on with its other one: the leaders of the full one move, and come back after a restart', async () => {
    const [disk] = disks as [SmallDisk, SmallDisk];
    const broker = kafka.brokers[1] as LocalBroker;
    await startLoad(kafka.bootstrap);
    await moveLeadersTo(kafka.bootstrap, topic, 2);
    load.append(600);
    await untilSettled(600);
    await disk.fill();
    const isDeposed = async (): Promise<boolean> => {
      load.append(60);
      return (await describePartitions(kafka.bootstrap, topic)).some(({ leader }) => leader !== 2);
    };
    await waitFor(isDeposed, { deadlineMs: 60_000, what: 'leaders to move away from the full directory' });
    await untilSettled(load.appended);
    expect(broker.isRunning()).toBe(true);
    await disk.free();
    await broker.stop();
    await broker.start();
    await waitForInSync(kafka.bootstrap, [topic]);
    expect(died).toEqual([]);
    await expectAllOnce();
  });
});
