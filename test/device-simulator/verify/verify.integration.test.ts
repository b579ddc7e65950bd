import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import avsc from 'avsc';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../../device-simulator/core/ledger.ts';
import { endOffsets } from '../../../device-simulator/verify/topic-reader.ts';
import { type Verification, verify } from '../../../device-simulator/verify/verify.ts';
import { sharedServers } from '../../support/servers.ts';
import { createTopic } from '../../support/topics.ts';

// The records are written by an independent client with its own murmur2 and another LZ4 than the reader's.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressFrameSync(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressFrameSync(buffer),
});

const { bootstrap, registryUrl } = sharedServers();
const partitions = 6;
const bootId = 4_000_000_001;
const schemas = join(import.meta.dirname, '../../../schemas');
const kafka = new kafkajs.Kafka({ brokers: bootstrap, clientId: 'verify-test', logLevel: kafkajs.logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, idempotent: true });
const registered = new Map<string, { id: number; type: avsc.Type }>();

beforeAll(async () => {
  await producer.connect();
  for (const name of ['vehicle-telemetry', 'bay-occupancy']) registered.set(name, await register(name));
});
afterAll(() => producer.disconnect());

async function register(name: string): Promise<{ id: number; type: avsc.Type }> {
  const schema = await readFile(join(schemas, `${name}.avsc`), 'utf8');
  const response = await fetch(`${registryUrl}/subjects/verify-${name}-${randomUUID()}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  });
  expect(response.status).toBe(200);
  const { id } = (await response.json()) as { id: number };
  return { id, type: avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { wrapUnions: false }) };
}

function value(name: string, fields: object): Buffer {
  const { id, type } = registered.get(name) ?? { id: 0, type: avsc.Type.forSchema('null') };
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, type.toBuffer({ bootId, eventTimeUs: 1_763_700_000_000_000, ...fields })]);
}

const eventId = (subject: string, sequence: number) => `dev-${subject}:${bootId}:${sequence}`;

function vehicleRecord(vehicleId: string, sequence: number, change: Partial<kafkajs.Message> = {}): kafkajs.Message {
  return {
    key: vehicleId,
    value: value('vehicle-telemetry', { vehicleId, sequence, batteryLevel: 0.5, status: 'DRIVING', faultCodes: [] }),
    headers: { ce_specversion: '1.0', ce_id: eventId(vehicleId, sequence) },
    ...change,
  };
}

function bayRecord(bayId: string, sequence: number, vehicleId: string | null): kafkajs.Message {
  return {
    key: vehicleId ?? bayId,
    value: value('bay-occupancy', {
      bayId,
      sequence,
      state: vehicleId ? 'OCCUPIED' : 'FREE',
      vehicleId,
      faultCodes: [],
    }),
    headers: { ce_id: eventId(bayId, sequence) },
  };
}

function ledgerOf(subjects: readonly string[], messages: number): Ledger {
  const ledger = new Ledger();
  for (const subject of subjects) {
    const account = ledger.open(subject, bootId, `dev-${subject}`);
    for (let sequence = 1; sequence <= messages; sequence += 1) {
      ledger.recordSent(account, sequence);
      ledger.recordAcknowledged(account, sequence);
    }
  }
  return ledger;
}

const vehicles = Array.from({ length: 40 }, (_, i) => `veh-${i}`);
const range = (length: number) => Array.from({ length }, (_, i) => i + 1);
const clean = { lost: 0, phantom: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0, wrongId: 0 };

let topic: string;
beforeEach(async () => {
  topic = await createTopic(bootstrap, { partitions });
});

const send = (messages: kafkajs.Message[]) =>
  producer.send({ topic, messages, compression: kafkajs.CompressionTypes.LZ4, acks: -1 });

function verified(ledger: Ledger, startOffsets?: ReadonlyMap<string, number>): Promise<Verification> {
  return verify({ bootstrap, registryUrl, topics: [topic], ledger, ...(startOffsets && { startOffsets }) });
}

describe('reading Kafka back', () => {
  it('finds everything in its place, written by another client in many batches', async () => {
    for (const sequence of range(25)) await send(vehicles.map((vehicle) => vehicleRecord(vehicle, sequence)));
    expect(await verified(ledgerOf(vehicles, 25))).toMatchObject({ ...clean, inKafka: 1_000, recordsRead: 1_000 });
  });

  it('finds every kind of fault that is planted, by its right name', async () => {
    const messages = range(10).flatMap((sequence) => vehicles.map((vehicle) => vehicleRecord(vehicle, sequence)));
    const without = messages.filter(({ headers }) => headers?.ce_id !== eventId('veh-3', 4));
    await send(without.filter(({ headers }) => headers?.ce_id !== eventId('veh-5', 9)));
    // After its successor: out of order.
    await send([vehicleRecord('veh-5', 9)]);
    await send([vehicleRecord('veh-7', 2), vehicleRecord('veh-7', 2)]);
    await send([vehicleRecord('veh-8', 11)]);
    const { partition } = await partitionOfKey('veh-9');
    await send([vehicleRecord('veh-9', 10, { partition: (partition + 1) % partitions })]);
    await send([vehicleRecord('veh-9', 9, { headers: {} })]);

    const figures = await verified(ledgerOf(vehicles, 10));
    expect(figures).toMatchObject({
      inKafka: 399,
      lost: 1,
      outOfOrder: 1,
      duplicated: 4,
      phantom: 1,
      wrongPartition: 1,
      wrongId: 1,
    });
    expect(figures.examples.lost).toEqual([`veh-3 boot ${bootId} sequence 4`]);
  });

  it('knows bays, under their own key and under that of a visitor', async () => {
    const visitors = [null, 'veh-1', 'veh-1', null, 'veh-2'];
    await send(visitors.map((visitor, index) => bayRecord('bay-0001', index + 1, visitor)));
    expect(await verified(ledgerOf(['bay-0001'], 5))).toMatchObject({ ...clean, inKafka: 5 });
  });

  it('judges only events of this run, and survives what it cannot read', async () => {
    await send([
      { key: 'veh-1', value: 'not avro' },
      { key: 'veh-1', value: null },
      { key: 'veh-1', value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2]) },
      { key: 'veh-1', value: Buffer.from(vehicleRecord('veh-1', 1).value ?? '').subarray(0, 9) },
      vehicleRecord('veh-of-another-run', 1),
      vehicleRecord('veh-1', 1),
    ]);
    const figures = await verified(ledgerOf(['veh-1'], 1));
    expect(figures).toMatchObject({ ...clean, inKafka: 1, foreign: 5, unreadable: 4 });
  });

  it('can begin where the topic ended before the run', async () => {
    await send(range(50).map((sequence) => vehicleRecord('veh-of-another-run', sequence)));
    const before = await endOffsets(bootstrap, [topic]);
    await send(range(5).map((sequence) => vehicleRecord('veh-1', sequence)));
    const figures = await verified(ledgerOf(['veh-1'], 5), before);
    expect(figures).toMatchObject({ ...clean, inKafka: 5, recordsRead: 5, foreign: 0 });
  });

  it('finds all lost in an empty topic', async () => {
    expect(await verified(ledgerOf(['veh-1'], 5))).toMatchObject({ ...clean, lost: 5, inKafka: 0 });
  });

  it('gives no verdict when the topic, Kafka or the registry is not there', async () => {
    await send([vehicleRecord('veh-1', 1)]);
    const options = { bootstrap, registryUrl, topics: [topic], ledger: ledgerOf(['veh-1'], 1) };
    await expect(verify({ ...options, topics: ['no-such-topic'] })).rejects.toMatchObject({ code: 'topic_missing' });
    await expect(verify({ ...options, bootstrap: ['127.0.0.1:1'] })).rejects.toMatchObject({
      code: 'kafka_unreachable',
    });
    const nowhere = 'http://127.0.0.1:1';
    await expect(verify({ ...options, registryUrl: nowhere })).rejects.toMatchObject({ code: 'registry_unreachable' });
  });
});

/** Where another client's partitioner puts a key. */
async function partitionOfKey(key: string): Promise<{ partition: number }> {
  const probe = await createTopic(bootstrap, { partitions });
  const [metadata] = await producer.send({ topic: probe, messages: [{ key, value: 'x' }] });
  return { partition: metadata?.partition ?? -1 };
}
