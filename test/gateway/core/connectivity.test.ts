import avsc from 'avsc';
import { type CloudEvent, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import type { RecordCodec } from '../../../gateway/core/codec.ts';
import { Connectivity } from '../../../gateway/core/connectivity/connectivity.ts';
import type { Pressure } from '../../../gateway/core/record-sink.ts';
import { anonymous, bay, receivedAtMs, registered, TestSink, vehicle } from './fixture.ts';

const contracts = loadContracts({
  routes: [],
  records: [{ name: 'connectivity', kafkaTopic: 'veh.events.raw', schema: 'connectivity.avsc' }],
});
const subject = 'veh.events.raw-com.mobilitycorp.telemetry.v1.Connectivity';
const codec = contracts.recordCodecs(registered(new Map([[subject, 9]]))).get('connectivity') as RecordCodec;
const connection = { clientId: 'client-7', listener: 'devices', version: 5 };

function setUp({ maxPending = 10, maxRecordBytes = 10_000, maxPerDevicePerMinute = 100, maxDevices = 10 } = {}) {
  const sink = new TestSink(maxRecordBytes);
  const told: string[] = [];
  const state: { pressure: Pressure; nowMs: number } = { pressure: 0, nowMs: receivedAtMs };
  const connectivity = new Connectivity({
    ...{ source: '/edge-ingest-gateway', codec, sink, topic: 'veh.events.raw', maxPending, runId: 'run-1' },
    ...{ maxPerDevicePerMinute, maxDevices },
    pressure: () => state.pressure,
    now: () => state.nowMs,
    observer: { connectivityEvent: (change, outcome) => told.push(`${change} ${outcome}`) },
  });
  return { connectivity, sink, told, state };
}

describe('a device that comes and goes', () => {
  it('is told in the order in which it did, under the key of its vehicle', () => {
    const { connectivity, sink } = setUp();
    connectivity.connected(vehicle, connection, true);
    connectivity.disconnected(vehicle, connection, 'keep_alive_timeout');
    connectivity.willPublished(vehicle);
    expect(sink.records.map(({ topic, key }) => `${topic} ${key}`)).toEqual(Array(3).fill('veh.events.raw veh-7'));
    expect(sink.records[1]?.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: 'unit-7:connectivity:run-1-2',
      ce_source: '/edge-ingest-gateway',
      ce_type: 'com.mobilitycorp.vehicle.connectivity.v1',
      ce_time: '2025-11-21T09:22:33.123000Z',
      ce_receivedtime: '2025-11-21T09:22:33.123Z',
      ce_subject: 'veh-7',
      ce_partitionkey: 'veh-7',
      ce_dataschema: 'http://registry/schemas/ids/9',
      'content-type': 'application/avro',
    });
    expect(sink.records.map(({ headers }) => headers.ce_id)).toEqual(
      [1, 2, 3].map((number) => `unit-7:connectivity:run-1-${number}`),
    );
  });

  it('is told with what is known of its connection', () => {
    const { connectivity, sink } = setUp();
    connectivity.connected(vehicle, connection, true);
    connectivity.disconnected(vehicle, connection, 'network');
    connectivity.willPublished(vehicle);
    const definition = contracts.schemas[0]?.definition ?? '';
    const values = sink.records.map(({ value }) => readWith(definition, value));
    const always = { deviceId: 'unit-7', subjectKind: 'VEHICLE', subjectId: 'veh-7', eventTimeUs: receivedAtMs * 1000 };
    const by = { clientId: 'client-7', listener: 'devices', protocolVersion: 5 };
    expect(values).toEqual([
      { ...always, ...by, change: 'CONNECTED', reason: null, sessionPresent: true },
      { ...always, ...by, change: 'DISCONNECTED', reason: 'network', sessionPresent: null },
      {
        ...always,
        ...{ change: 'WILL_PUBLISHED', reason: null, sessionPresent: null },
        ...{ clientId: null, listener: null, protocolVersion: null },
      },
    ]);
  });

  it('may be the sensor of a bay, and is read by a CloudEvents SDK', () => {
    const { connectivity, sink } = setUp();
    connectivity.connected(bay, connection, false);
    const { key, value, headers } = sink.records[0] as (typeof sink.records)[0];
    const message = { key, value, headers: { ...headers }, body: value };
    const event = Kafka.toEvent(message) as CloudEvent<unknown>;
    expect(event).toMatchObject({ type: 'com.mobilitycorp.bay.connectivity.v1', subject: 'bay-3' });
  });

  it('is bound to nothing on an anonymous listener, and has no record there', () => {
    const { connectivity, sink, told } = setUp();
    connectivity.connected(anonymous, connection, false);
    expect([sink.records, told]).toEqual([[], []]);
  });
});

describe('records about connections', () => {
  it('are bounded in a storm of reconnects, and counted', () => {
    const { connectivity, sink, told } = setUp({ maxPending: 2 });
    for (let i = 0; i < 5; i++) connectivity.connected(vehicle, connection, false);
    expect(sink.records).toHaveLength(2);
    expect(told).toEqual(Array(3).fill('connected shed'));
    for (const { settleable } of sink.records) settleable.settleRecord({ kind: 'delivered' });
    expect(told.slice(3)).toEqual(['connected written', 'connected written']);
    connectivity.disconnected(vehicle, connection, 'network');
    expect(sink.records).toHaveLength(3);
  });

  it('are bounded for each device, which cannot fill the topic by reconnecting, and take nothing from another', () => {
    const { connectivity, sink, told, state } = setUp({ maxPending: 1000, maxPerDevicePerMinute: 4 });
    const reconnect = (identity: typeof vehicle, times: number) => {
      for (let i = 0; i < times; i++) {
        connectivity.connected(identity, connection, true);
        connectivity.disconnected(identity, connection, 'network');
      }
    };
    reconnect(vehicle, 50);
    expect(sink.records).toHaveLength(4);
    expect(told).toEqual(Array.from({ length: 96 }, (_, i) => `${i % 2 ? 'disconnected' : 'connected'} capped`));
    reconnect({ ...vehicle, deviceId: 'unit-8' }, 1);
    expect(sink.records).toHaveLength(6);
    state.nowMs += 30_000;
    reconnect(vehicle, 5);
    expect(sink.records).toHaveLength(8);
  });

  it('are the first to go under pressure', () => {
    const { connectivity, sink, told, state } = setUp();
    state.pressure = 1;
    connectivity.connected(vehicle, connection, false);
    expect(sink.records).toEqual([]);
    expect(told).toEqual(['connected shed']);
  });

  it('are counted as lost when they are refused, left at shutdown, or larger than a record may be', () => {
    const { connectivity, sink, told } = setUp();
    connectivity.connected(vehicle, connection, false);
    connectivity.willPublished(vehicle);
    sink.records[0]?.settleable.settleRecord({
      kind: 'rejected',
      rejection: { reason: 'refused_by_kafka', detail: 'INVALID_TIMESTAMP' },
    });
    sink.records[1]?.settleable.settleRecord({ kind: 'unanswered' });
    expect(told).toEqual(['connected lost', 'will_published lost']);
    const tiny = setUp({ maxRecordBytes: 50 });
    tiny.connectivity.connected(vehicle, connection, false);
    expect(tiny.told).toEqual(['connected lost']);
    expect(tiny.connectivity.pending).toBe(0);
  });
});

function readWith(definition: string, value: Buffer): unknown {
  const type = avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false });
  return JSON.parse(JSON.stringify(type.fromBuffer(value.subarray(5))));
}
