import { type CloudEvent, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadLetter } from '../../../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../../../gateway/core/dead-letter-encoder.ts';
import { defaultRoutes } from '../../../../gateway/core/default-routes.ts';
import { createPipeline } from '../../../../gateway/core/pipeline.ts';
import {
  anonymous,
  bay,
  bayEvent,
  defaultOptions,
  receivedAtMs,
  report,
  run,
  TestPublish,
  TestSink,
  telemetry,
  type WrittenRecord,
} from '../fixture.ts';

/** Reads a record as a consumer with the CloudEvents SDK does, and holds it against the standard. */
function eventOf({ key, value, headers }: WrittenRecord): CloudEvent<unknown> {
  const message = { key, value, headers: { ...headers }, body: value };
  expect(Kafka.isEvent(message)).toBe(true);
  const event = Kafka.toEvent<unknown>(message) as CloudEvent<unknown>;
  expect(event.validate()).toBe(true);
  return event;
}

const only = (fields: Parameters<typeof run>[0], through?: Parameters<typeof run>[1]): WrittenRecord =>
  run(fields, through).records[0] as WrittenRecord;

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';

describe('a CloudEvents SDK reads', () => {
  it('a vehicle report', () => {
    const event = eventOf(only({ payload: telemetry(), traceparent, correlationId: 'c-1' }));
    expect(event).toMatchObject({
      specversion: '1.0',
      id: 'unit-7:4000000000:42',
      source: '/edge-ingest-gateway',
      type: 'com.mobilitycorp.vehicle.telemetry.v1',
      subject: 'veh-7',
      time: '2025-11-21T09:22:31.622Z',
      receivedtime: '2025-11-21T09:22:33.123Z',
      datacontenttype: 'application/avro',
      dataschema: 'http://registry/schemas/ids/16909056',
      partitionkey: 'veh-7',
      sequence: '4000000000-0000000000000042',
      traceparent,
      correlationid: 'c-1',
    });
  });

  it('a bay event, whose partition key is the vehicle and whose subject is the bay', () => {
    const event = eventOf(only({ identity: bay, topic: 'v1/bays/bay-3/events', payload: bayEvent() }));
    expect(event).toMatchObject({ subject: 'bay-3', partitionkey: 'veh-9', sequence: '0000000001-0000000000000000' });
  });

  it('raw bytes, which have no sequence', () => {
    const payload = Buffer.from([0, 1, 2, 0xff]);
    const event = eventOf(only({ topic: 'v1/vehicles/veh-7/commands/cmd-1/ack', payload }));
    expect(event).toMatchObject({ datacontenttype: 'application/octet-stream', partitionkey: 'veh-7' });
    expect(event.data).toEqual(payload);
    expect(event).not.toHaveProperty('sequence');
    expect(event.dataschema).toBeUndefined();
  });

  it('a dead letter', () => {
    const rejection = { reason: 'invalid_field', detail: 'speedMps -1 is not from 0 to 150' } as const;
    const publish = new TestPublish({ payload: telemetry({ speedMps: -1 }), traceparent });
    const letter = new DeadLetter(publish, rejection, 'whole', { letterSettled: () => undefined });
    const sink = new TestSink();
    sink.append('dlq', letter.key, receivedAtMs, new DeadLetterEncoder(defaultOptions), letter, letter);
    const event = eventOf(sink.records[0] as WrittenRecord);
    expect(event).toMatchObject({ type: 'com.mobilitycorp.deadletter.v1', subject: 'veh-7', traceparent });
    expect(event.data).toEqual(publish.payload);
  });

  it('the tenant of a gateway that has one', () => {
    const through = createPipeline({ ...defaultOptions, tenant: 'north' });
    expect(eventOf(only({ payload: telemetry() }, through))).toMatchObject({ tenant: 'north' });
    expect(eventOf(only({ payload: telemetry() }))).not.toHaveProperty('tenant');
  });
});

describe('in structured mode, a CloudEvents SDK reads', () => {
  const routes = defaultRoutes.map((route) => ({ ...route, contentMode: 'structured' }) as const);
  const through = createPipeline({ ...defaultOptions, routes, tenant: 'north' });
  const binary = createPipeline({ ...defaultOptions, tenant: 'north' });
  const structured = (fields: Parameters<typeof run>[0]) => {
    const { key, value, headers } = only(fields, through);
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=UTF-8');
    const message = { key, value: value.toString(), headers: { ...headers }, body: value.toString() };
    const event = Kafka.toEvent<Record<string, unknown>>(message) as CloudEvent<Record<string, unknown>>;
    expect(event.validate()).toBe(true);
    return event;
  };
  const attributesOf = (event: object) => {
    const { data: _, data_base64: __, datacontenttype: ___, ...attributes } = event as Record<string, unknown>;
    return attributes;
  };

  it.each([
    ['a vehicle report', { payload: telemetry(), traceparent, correlationId: 'c-1' }],
    ['one with an absurd clock', { payload: telemetry({ eventTimeUs: 0 }) }],
    ['a bay event', { identity: bay, topic: 'v1/bays/bay-3/events', payload: bayEvent() }],
    ['raw bytes', { topic: 'v1/vehicles/veh-7/commands/cmd-1/ack', payload: Buffer.from('ok') }],
    ['a report by an anonymous client', { identity: anonymous, payload: telemetry() }],
  ])('%s with the attributes that it has in binary mode', (_, fields) => {
    expect(attributesOf(structured(fields))).toEqual(attributesOf(eventOf(only(fields, binary))));
  });

  it('a message as JSON, with the names of the schema, and null for what is absent', () => {
    const { datacontenttype, data } = structured({ payload: telemetry({ headingDeg: null, status: 0 }) });
    expect(datacontenttype).toBe('application/json');
    expect(data).toEqual({ ...report, headingDeg: null, status: 'UNSPECIFIED' });
  });

  it('raw bytes, which are whole', () => {
    const topic = 'v1/vehicles/veh-7/commands/cmd-1/ack';
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const { value } = only({ topic, payload: bytes, contentType: 'image/png' }, through);
        const event = JSON.parse(value.toString()) as Record<string, string>;
        expect(event.datacontenttype).toBe('image/png');
        expect(Buffer.from(event.data_base64 ?? '', 'base64')).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('ids beyond ASCII', () => {
    const id = 'Zoë-🚲"\\';
    const identity = { deviceId: 'dév-🚲', kind: 'vehicle', boundTo: id } as const;
    const payload = telemetry({ vehicleId: id });
    expect(structured({ identity, topic: `v1/vehicles/${id}/telemetry`, payload })).toMatchObject({
      ...{ subject: id, partitionkey: id, id: 'dév-🚲:4000000000:42' },
      data: { vehicleId: id },
    });
  });

  it('nothing that does not fit into a record', () => {
    const limited = createPipeline({ ...defaultOptions, routes, maxRecordBytes: 1000 });
    expect(limited.run(new TestPublish({ payload: telemetry() }), new TestSink(1000))?.reason).toBe('too_large');
  });
});

describe('the attributes of an event', () => {
  it('leave out what is empty, because an attribute must not be', () => {
    const topic = 'v1/vehicles/veh-7/commands/cmd-1/ack';
    const { headers } = only({ topic, payload: Buffer.from('x'), contentType: '', traceparent: '', correlationId: '' });
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(Object.keys(headers).filter((name) => /trace|correlation/.test(name))).toEqual([]);
    expect(Object.values(headers)).not.toContain('');
  });

  it('have a sequence that sorts as text as the numbers do', () => {
    const sequenceOf = ([bootId, sequence]: readonly [number, number]) =>
      only({ payload: telemetry({ bootId, sequence }) }).headers.ce_sequence ?? '';
    const pair = fc.tuple(
      fc.nat(2 ** 32 - 1),
      fc.oneof(
        fc.nat(1000),
        fc.maxSafeNat().map((n) => Math.min(n, 2 ** 53 - 2)),
      ),
    );
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const expected = Math.sign(a[0] - b[0] || a[1] - b[1]);
        const [left, right] = [sequenceOf(a), sequenceOf(b)];
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(expected);
      }),
    );
  });
});
