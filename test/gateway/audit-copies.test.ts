import { afterEach, describe, expect, it } from 'vitest';
import { chained, noHash } from '../../gateway/administration/audit/audit-record.ts';
import { AdministrationPath } from '../../gateway/administration-path.ts';
import { AuditCopies } from '../../gateway/audit-copies.ts';
import { loadConfig } from '../../gateway/config/load.ts';
import type { GatewayConfig } from '../../gateway/config/schema.ts';
import { Observability } from '../../gateway/observability/observability.ts';
import { waitFor } from '../support/wait-for.ts';
import { FakeCluster } from './kafka/fake/fake-cluster.ts';

const topic = 'gateway.audit';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function configOf(bootstrapBrokers: readonly string[], administration: object): GatewayConfig {
  const kafka = { bootstrapBrokers, retryBackoffMs: 5, retryBackoffMaxMs: 20 };
  const result = loadConfig({ settings: { kafka, administration }, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
}

async function scene(topics: Readonly<Record<string, number>>) {
  const cluster = await FakeCluster.start(1, topics);
  closing.push(() => cluster.close());
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const observability = new Observability({ level: 'info', stream, processMetrics: false });
  const copies = AuditCopies.of(configOf(cluster.bootstrap, { enabled: true, audit: { topic } }), observability);
  if (copies === undefined) throw new Error('there is a topic');
  closing.push(() => copies.close());
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await observability.metricsText())?.[1] ?? 0);
  return { cluster, copies, lines, metric, records: () => recordsOf(metric) };
}

/** Written, lost, and waiting: together what was sent. */
const recordsOf = async (metric: (name: string) => Promise<number>): Promise<number[]> => [
  await metric('edge_audit_kafka_records_total\\{outcome="written"\\}'),
  await metric('edge_audit_kafka_records_total\\{outcome="lost"\\}'),
  await metric('edge_audit_kafka_waiting_records'),
];

const record = (seq: number) =>
  chained(
    { requestId: 'r', actor: undefined, remoteAddress: '::1', action: 'device.create', target: 'd', outcome: 'noted' },
    { chain: 'chain-1', seq, prev: noHash },
    1_700_000_000_000,
  );

const until = (what: string, holds: () => Promise<boolean>) => waitFor(holds, { deadlineMs: 15_000, what });

describe('copies of audit records', () => {
  it('go to Kafka in order, those too that came before there was a way', async () => {
    const { cluster, copies, records } = await scene({ [topic]: 1 });
    copies.send(record(1));
    copies.start();
    copies.send(record(2));
    await until('two records', async () => (await records())[0] === 2);
    copies.send(record(3));
    await until('three records', async () => (await records())[0] === 3);
    expect(await records()).toEqual([3, 0, 0]);
    expect(cluster.log(topic).records.map(({ value }) => value)).toEqual([1, 2, 3].map((seq) => record(seq).line));
  });

  it('wait for a topic that is missing, with failures counted and named, and go there when it is made', async () => {
    const { cluster, copies, lines, metric, records } = await scene({});
    copies.start();
    copies.send(record(1));
    const failures = () => metric('edge_audit_kafka_failures_total\\{reason="topic_missing"\\}');
    await until('two failures', async () => (await failures()) >= 2);
    expect(await records()).toEqual([0, 0, 1]);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'audit_kafka_failed', reason: 'topic_missing' }));
    cluster.create(topic, 1);
    await until('the record', async () => (await records())[0] === 1);
    expect(await records()).toEqual([1, 0, 0]);
  });

  it('are lost, and counted, when Kafka refuses them for good', async () => {
    const { cluster, copies, metric, records } = await scene({ [topic]: 1 });
    cluster.log(topic).maxBatchBytes = 10;
    copies.start();
    copies.send(record(1));
    await until('the loss', async () => (await records())[1] === 1);
    expect(await records()).toEqual([0, 1, 0]);
    expect(await metric('edge_audit_kafka_failures_total\\{reason="too_large"\\}')).toBe(1);
  });

  it('have a moment at the end; what Kafka has not taken by then is lost, and counted', async () => {
    const { cluster, copies, records } = await scene({ [topic]: 1 });
    copies.start();
    copies.send(record(1));
    await until('the first', async () => (await records())[0] === 1);
    cluster.script.push({ kind: 'hang' });
    copies.send(record(2));
    copies.send(record(3));
    await until('a request that hangs', async () => cluster.broker(1).produceRequests === 2);
    await copies.close();
    copies.send(record(4));
    expect(await records()).toEqual([1, 3, 0]);
  });

  it('have no producer without a topic, nor where administration is off', () => {
    const observability = new Observability({ level: 'silent', processMetrics: false });
    expect(AuditCopies.of(configOf(['127.0.0.1:1'], { enabled: true }), observability)).toBeUndefined();
    const off = configOf(['127.0.0.1:1'], { enabled: false, audit: { topic } });
    const administered = { registry: () => undefined, endChanged: async () => 0, sessions: () => undefined };
    expect(AdministrationPath.of(off, observability, administered)).toBeUndefined();
  });
});
