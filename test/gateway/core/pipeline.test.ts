import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import { readSchemaId } from '../../../gateway/core/wire-format.ts';
import {
  anonymous,
  bay,
  bayEvent,
  contracts,
  defaultOptions,
  occupancy,
  pipeline,
  protobufBytes,
  receivedAtMs,
  report,
  run,
  schemaIds,
  TestPublish,
  TestSink,
  telemetry,
} from './fixture.ts';

const types = new Map(
  contracts.schemas.map(({ subject, definition }) => [
    schemaIds.get(subject),
    avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false }),
  ]),
);

/** Decodes a framed value with the schema whose id it names. */
function decoded(value: Buffer): Record<string, unknown> {
  const record = types.get(readSchemaId(value))?.fromBuffer(value.subarray(5)) as object;
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
}

const batchTopic = 'v1/vehicles/veh-7/telemetry/batch';
const batch = (items: object[]) => protobufBytes('VehicleTelemetryBatch', { items });

describe('a vehicle report', () => {
  const { rejection, records } = run({ payload: telemetry(), traceparent: '00-ab-cd-01', correlationId: 'c-1' });
  const record = records[0] as (typeof records)[0];

  it('becomes one record of the configured topic under the key of its vehicle', () => {
    expect(rejection).toBeUndefined();
    expect(records).toHaveLength(1);
    expect(record).toMatchObject({ topic: 'veh.events.raw', key: 'veh-7' });
  });

  it('has its event time as timestamp, in milliseconds', () => {
    expect(record.timestampMs).toBe(receivedAtMs - 1501);
  });

  it('carries every field into the Avro value', () => {
    expect(decoded(record.value)).toEqual({ ...report, status: 'DRIVING' });
  });

  it('carries CloudEvents headers in binary mode', () => {
    expect(record.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: 'unit-7:4000000000:42',
      ce_source: '/edge-ingest-gateway',
      ce_type: 'com.mobilitycorp.vehicle.telemetry.v1',
      ce_time: '2025-11-21T09:22:31.622999Z',
      ce_receivedtime: '2025-11-21T09:22:33.123Z',
      ce_subject: 'veh-7',
      ce_partitionkey: 'veh-7',
      ce_sequence: '4000000000-0000000000000042',
      ce_dataschema: 'http://registry/schemas/ids/16909056',
      'content-type': 'application/avro',
      traceparent: '00-ab-cd-01',
      ce_traceparent: '00-ab-cd-01',
      ce_correlationid: 'c-1',
    });
  });

  it('may leave out whatever is not required', () => {
    const { bootId, sequence, eventTimeUs, vehicleId } = report;
    const least = protobufBytes('VehicleTelemetry', { bootId, sequence, eventTimeUs, vehicleId, batteryLevel: 0 });
    const [only] = run({ payload: least }).records;
    expect(decoded(only?.value as Buffer)).toEqual({
      bootId,
      sequence,
      eventTimeUs,
      vehicleId,
      batteryLevel: 0,
      position: null,
      speedMps: null,
      headingDeg: null,
      batteryVoltageV: null,
      odometerM: null,
      status: 'UNSPECIFIED',
      faultCodes: [],
    });
  });

  it('keeps 0 apart from missing, and the largest sequence exact', () => {
    const payload = telemetry({ bootId: 0, sequence: 2 ** 53 - 2, speedMps: 0 });
    const [only] = run({ payload }).records;
    expect(decoded(only?.value as Buffer)).toMatchObject({ bootId: 0, sequence: 9_007_199_254_740_990, speedMps: 0 });
    expect(only?.headers.ce_id).toBe('unit-7:0:9007199254740990');
  });

  it('may come from a newer device, with fields that the gateway does not know', () => {
    // Field 900, length-delimited, 2 bytes; field 901, varint.
    const unknown = Buffer.from([0xa2, 0x38, 2, 1, 2, 0xa8, 0x38, 7]);
    const { records } = run({ payload: Buffer.concat([telemetry(), unknown]) });
    expect(records[0]?.value).toEqual(record.value);
  });

  it('may be a plain Uint8Array', () => {
    const { records } = run({ payload: new Uint8Array(telemetry()) });
    expect(records[0]?.value).toEqual(record.value);
  });

  it('has a record that ids beyond ASCII do not break', () => {
    const id = 'Zoë-🚲';
    const identity = { deviceId: 'dév-🚲', kind: 'vehicle', boundTo: id } as const;
    const [only] = run({
      identity,
      topic: `v1/vehicles/${id}/telemetry`,
      payload: telemetry({ vehicleId: id }),
    }).records;
    expect(only?.key).toBe(id);
    expect(only?.headers).toMatchObject({ ce_subject: id, ce_id: 'dév-🚲:4000000000:42' });
  });

  it('is settled when its record is', () => {
    const publish = new TestPublish({ payload: telemetry() });
    const sink = new TestSink();
    pipeline.run(publish, sink);
    const concluded: string[] = [];
    publish.concluder = { conclude: (_, outcome) => concluded.push(outcome.kind) };
    sink.records[0]?.settleable.settleRecord({ kind: 'delivered' });
    expect(concluded).toEqual(['delivered']);
  });
});

describe('a bay event', () => {
  const topic = 'v1/bays/bay-3/events';

  it('has the key of the vehicle that stands in the bay', () => {
    const [only] = run({ identity: bay, topic, payload: bayEvent() }).records;
    expect(only).toMatchObject({ topic: 'veh.events.raw', key: 'veh-9' });
    expect(only?.headers).toMatchObject({ ce_type: 'com.mobilitycorp.bay.occupancy.v1', ce_subject: 'bay-3' });
    const { state: _, ...rest } = occupancy;
    expect(decoded(only?.value as Buffer)).toEqual({ ...rest, state: 'OCCUPIED', temperatureC: null, faultCodes: [] });
  });

  it('has the key of the bay while no vehicle is known to stand in it', () => {
    expect(run({ identity: bay, topic, payload: bayEvent({ state: 1, vehicleId: null }) }).records[0]?.key).toBe(
      'bay-3',
    );
    expect(run({ identity: bay, topic, payload: bayEvent({ vehicleId: null }) }).records[0]?.key).toBe('bay-3');
  });
});

describe('a batch', () => {
  const items = [report, { ...report, sequence: 43, status: 1 }, { ...report, sequence: 44, faultCodes: [] }];

  it('becomes one record per item, in their order, and is settled when all of them are', () => {
    const publish = new TestPublish({ topic: batchTopic, payload: batch(items) });
    const sink = new TestSink();
    expect(pipeline.run(publish, sink)).toBeUndefined();
    expect(sink.records.map(({ value }) => decoded(value).sequence)).toEqual([42, 43, 44]);
    expect(sink.records.map(({ headers }) => headers.ce_id)).toEqual(
      [42, 43, 44].map((sequence) => `unit-7:4000000000:${sequence}`),
    );
    const concluded: string[] = [];
    publish.concluder = { conclude: (_, outcome) => concluded.push(outcome.kind) };
    sink.records[0]?.settleable.settleRecord({ kind: 'delivered' });
    sink.records[2]?.settleable.settleRecord({ kind: 'delivered' });
    expect(concluded).toEqual([]);
    sink.records[1]?.settleable.settleRecord({ kind: 'delivered' });
    expect(concluded).toEqual(['delivered']);
  });

  it('is refused whole for one bad item, which the detail names', () => {
    const bad = [...items, { ...report, speedMps: -1 }, report];
    expect(run({ topic: batchTopic, payload: batch(bad) })).toEqual({
      rejection: { reason: 'invalid_field', field: 'speedMps', detail: 'item 3: speedMps -1 is not from 0 to 150' },
      records: [],
    });
  });

  it('is refused whole for one unknown status, which the detail names', () => {
    const { rejection, records } = run({ topic: batchTopic, payload: batch([report, { ...report, status: 77 }]) });
    expect(rejection).toEqual({ reason: 'invalid_field', detail: 'item 1: status 77 is no known value' });
    expect(records).toEqual([]);
  });

  it('is refused when it is empty', () => {
    const { rejection } = run({ topic: batchTopic, payload: Buffer.alloc(0) });
    expect(rejection).toEqual({ reason: 'invalid_field', detail: 'the batch has no items' });
  });

  it('is refused when it has more items than one turn may take', () => {
    const items = Array.from({ length: 101 }, (_, i) => ({ ...report, sequence: i }));
    expect(run({ topic: batchTopic, payload: batch(items.slice(1)) }).rejection).toBeUndefined();
    expect(run({ topic: batchTopic, payload: batch(items) })).toEqual({
      rejection: { reason: 'too_large', detail: 'the batch has 101 items; at most 100 are taken in one message' },
      records: [],
    });
  });

  it('is refused whole when any of its records is too large, wherever it stands', () => {
    // 64 codes of 32 characters make a record of about 2,400 bytes, the others have about 330.
    const large = { ...report, faultCodes: Array.from({ length: 64 }, () => 'x'.repeat(32)) };
    const limited = createPipeline({ ...defaultOptions, maxRecordBytes: 1000 });
    for (const at of [0, 1, 2]) {
      const sink = new TestSink(1000);
      const payload = batch(items.with(at, large));
      expect(limited.run(new TestPublish({ topic: batchTopic, payload }), sink)).toEqual({
        reason: 'too_large',
        detail: 'a record is larger than 1000 bytes',
      });
      expect(sink.records).toEqual([]);
    }
  });

  it('is appended or refused by the same limit to the byte', () => {
    const size = ({ key, value }: { key: string; value: Buffer }, headers: number) =>
      key.length + value.length + headers;
    for (let limit = 320; limit < 480; limit++) {
      const limited = createPipeline({ ...defaultOptions, maxRecordBytes: limit });
      const sink = new TestSink(limit);
      const rejection = limited.run(new TestPublish({ topic: batchTopic, payload: batch(items) }), sink);
      expect(sink.records).toHaveLength(rejection === undefined ? 3 : 0);
      for (const record of sink.records) expect(size(record, 0)).toBeLessThanOrEqual(limit);
    }
  });

  it('is still settled exactly once by a sink that takes less than it promised', () => {
    const publish = new TestPublish({ topic: batchTopic, payload: batch(items) });
    const concluded: unknown[] = [];
    publish.concluder = { conclude: (_, outcome) => concluded.push(outcome) };
    const sink = new TestSink();
    let appended = 0;
    const stingy = {
      append: (...args: Parameters<TestSink['append']>) => appended++ !== 1 && sink.append(...args),
    } as TestSink;
    expect(pipeline.run(publish, stingy)).toBeUndefined();
    for (const record of sink.records) record.settleable.settleRecord({ kind: 'delivered' });
    expect(concluded).toEqual([expect.objectContaining({ kind: 'rejected' })]);
  });
});

describe('a single event whose record is too large', () => {
  it('is refused', () => {
    const limited = createPipeline({ ...defaultOptions, maxRecordBytes: 200 });
    const sink = new TestSink(200);
    const rejection = limited.run(new TestPublish({ payload: telemetry() }), sink);
    expect(rejection?.reason).toBe('too_large');
    expect(sink.records).toEqual([]);
  });
});

describe('identity', () => {
  it.each([
    ['another vehicle', { topic: 'v1/vehicles/veh-8/telemetry', payload: telemetry({ vehicleId: 'veh-8' }) }],
    ['a bay', { topic: 'v1/bays/bay-3/events', payload: bayEvent() }],
    ['a bay of its own id', { topic: 'v1/bays/veh-7/events', payload: bayEvent({ bayId: 'veh-7' }) }],
    ['the batches of another vehicle', { topic: 'v1/vehicles/veh-8/telemetry/batch', payload: batch([report]) }],
    ['the answers of another vehicle', { topic: 'v1/vehicles/veh-8/commands/1/ack', payload: Buffer.from('ok') }],
  ])('a vehicle may not speak for %s', (_, publish) => {
    const { rejection, records } = run(publish);
    expect(rejection?.reason).toBe('not_authorized');
    expect(records).toEqual([]);
  });

  it('is checked before the payload is looked at', () => {
    const { rejection } = run({ topic: 'v1/vehicles/veh-8/telemetry', payload: Buffer.from([0xff]) });
    expect(rejection?.detail).toBe('the device is bound to vehicle "veh-7", the topic belongs to vehicle "veh-8"');
  });

  it('refuses a payload that names another vehicle, also inside a batch', () => {
    const named = {
      reason: 'wrong_identity',
      field: 'vehicleId',
      detail: 'vehicleId "veh-8" is not "veh-7" of the topic',
    };
    expect(run({ payload: telemetry({ vehicleId: 'veh-8' }) }).rejection).toEqual(named);
    const payload = batch([report, { ...report, vehicleId: 'veh-8' }]);
    expect(run({ topic: batchTopic, payload }).rejection).toEqual({ ...named, detail: `item 1: ${named.detail}` });
  });

  it('holds for anonymous devices between topic and payload', () => {
    expect(run({ identity: anonymous, payload: telemetry() }).records[0]?.headers.ce_id).toBe(
      'client-1/veh-7:4000000000:42',
    );
    const { rejection } = run({ identity: anonymous, topic: 'v1/vehicles/veh-8/telemetry', payload: telemetry() });
    expect(rejection?.reason).toBe('wrong_identity');
  });
});

describe('a topic without a route', () => {
  it.each(['', 'v1', 'v1/vehicles/veh-7', 'v1/vehicles//telemetry', 'v1/vehicles/veh-7/telemetry/', '$SYS/broker'])(
    'is refused: %j',
    (topic) => {
      expect(run({ topic, payload: telemetry() }).rejection?.reason).toBe('no_route');
    },
  );
});

describe('a raw route', () => {
  const topic = 'v1/vehicles/veh-7/commands/cmd-1/ack';
  const payload = Buffer.from([0, 1, 2, 0xff]);

  it('passes the bytes on untouched, timed by their receipt', () => {
    const [only] = run({ topic, payload }).records;
    expect(only).toMatchObject({
      topic: 'veh.commands.status',
      key: 'veh-7',
      value: payload,
      timestampMs: receivedAtMs,
    });
    expect(only?.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      ce_time: '2025-11-21T09:22:33.123000Z',
      ce_subject: 'veh-7',
    });
  });

  it('keeps the content type that the device gave', () => {
    const [only] = run({ topic, payload, contentType: 'application/json' }).records;
    expect(only?.headers).toMatchObject({ 'content-type': 'application/json', ce_subject: 'veh-7' });
  });

  it('gives the same bytes on the same topic the same id, and others another', () => {
    const id = (fields: object) => run({ topic, payload, ...fields }).records[0]?.headers.ce_id;
    expect(id({})).toMatch(/^unit-7:[0-9a-f]{32}$/);
    expect(id({ receivedAtMs: receivedAtMs + 1 })).toBe(id({}));
    expect(id({ payload: Buffer.from([0, 1, 2, 0xfe]) })).not.toBe(id({}));
    expect(id({ topic: 'v1/vehicles/veh-7/commands/cmd-2/ack' })).not.toBe(id({}));
  });

  it('names the vehicle of an anonymous client, which may speak for several', () => {
    const [only] = run({ topic, payload, identity: anonymous }).records;
    expect(only?.headers.ce_id).toMatch(/^client-1\/veh-7:[0-9a-f]{32}$/);
  });

  it('takes an empty payload', () => {
    expect(run({ topic, payload: Buffer.alloc(0) }).records[0]?.value).toHaveLength(0);
  });

  it('refuses what is too large for a record', () => {
    expect(run({ topic, payload: Buffer.alloc(100_000) }).rejection?.reason).toBe('too_large');
  });
});
