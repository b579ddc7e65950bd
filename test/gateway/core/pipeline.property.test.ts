import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadProtos } from '../../../gateway/contract/proto-root.ts';
import { readSchemaId } from '../../../gateway/core/wire-format.ts';
import {
  bay,
  contracts,
  pipeline,
  protobufBytes,
  receivedAtMs,
  run,
  schemaIds,
  TestPublish,
  TestSink,
  vehicle,
} from './fixture.ts';

const definitions = new Map(contracts.schemas.map(({ subject, definition }) => [schemaIds.get(subject), definition]));

function decoded(value: Buffer): Record<string, unknown> {
  const definition = definitions.get(readSchemaId(value)) as string;
  const record = avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false }).fromBuffer(value.subarray(5));
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
}

const float = (min: number, max: number) =>
  fc.float({ min, max, noNaN: true }).map((value) => (value === 0 ? 0 : value));
const double = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((value) => (value === 0 ? 0 : value));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const text = (maxLength: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((s) => s.length <= maxLength);
const id = text(40).filter((s) => !/[/+#\0]/.test(s));

const envelope = {
  bootId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  sequence: fc.maxSafeNat().filter((n) => n < 2 ** 53 - 1),
  eventTimeUs: fc.integer({ min: -2_592_000_000_000, max: 300_000_000 }).map((offset) => receivedAtMs * 1000 + offset),
};
const faultCodes = fc.array(text(32), { maxLength: 64 });

const reports = fc.record({
  ...envelope,
  position: maybe(
    fc.record({
      latitudeDeg: double(-90, 90),
      longitudeDeg: double(-180, 180),
      altitudeM: maybe(float(-1000, 20_000)),
      accuracyM: maybe(float(0, 100_000)),
    }),
  ),
  speedMps: maybe(float(0, 150)),
  headingDeg: maybe(float(0, Math.fround(359.99))),
  batteryLevel: float(0, 1),
  batteryVoltageV: maybe(float(0, 1500)),
  odometerM: maybe(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  status: fc.integer({ min: 0, max: 5 }),
  faultCodes,
});

const statuses = ['UNSPECIFIED', 'PARKED', 'DRIVING', 'CHARGING', 'MAINTENANCE', 'FAULT'];
const states = [undefined, 'FREE', 'OCCUPIED', 'UNKNOWN'];

describe('every valid event arrives with all its values', () => {
  it('from a vehicle', () => {
    fc.assert(
      fc.property(id, text(20), reports, (vehicleId, deviceId, fields) => {
        const { rejection, records } = run({
          identity: { deviceId, kind: 'vehicle', boundTo: vehicleId },
          topic: `v1/vehicles/${vehicleId}/telemetry`,
          payload: protobufBytes('VehicleTelemetry', { vehicleId, ...fields }),
        });
        expect(rejection).toBeUndefined();
        const [record] = records;
        expect(decoded(record?.value as Buffer)).toEqual({ vehicleId, ...fields, status: statuses[fields.status] });
        expect(record?.key).toBe(vehicleId);
        expect(record?.timestampMs).toBe(Math.floor(fields.eventTimeUs / 1000));
        const time = new Date(Math.floor(fields.eventTimeUs / 1000)).toISOString().slice(0, -1);
        expect(record?.headers).toMatchObject({
          ce_id: `${deviceId}:${fields.bootId}:${fields.sequence}`,
          ce_subject: vehicleId,
          ce_time: `${time}${String(fields.eventTimeUs % 1000).padStart(3, '0')}Z`,
        });
      }),
    );
  });

  it('from a bay', () => {
    const events = fc.record({
      ...envelope,
      state: fc.integer({ min: 1, max: 3 }),
      vehicleId: maybe(text(128)),
      batteryLevel: maybe(float(0, 1)),
      temperatureC: maybe(float(-90, 150)),
      faultCodes,
    });
    fc.assert(
      fc.property(events, ({ vehicleId, ...fields }) => {
        const event = { bayId: 'bay-3', vehicleId: fields.state === 2 ? vehicleId : null, ...fields };
        const payload = protobufBytes('BayOccupancy', event);
        const { rejection, records } = run({ identity: bay, topic: 'v1/bays/bay-3/events', payload });
        expect(rejection).toBeUndefined();
        expect(decoded(records[0]?.value as Buffer)).toEqual({ ...event, state: states[event.state] });
        expect(records[0]?.key).toBe(event.vehicleId ?? 'bay-3');
      }),
    );
  });

  it('from a batch, in its order', () => {
    fc.assert(
      fc.property(fc.array(reports, { minLength: 1, maxLength: 20 }), (items) => {
        const payload = protobufBytes('VehicleTelemetryBatch', {
          items: items.map((item) => ({ vehicleId: 'veh-7', ...item })),
        });
        const { records } = run({ topic: 'v1/vehicles/veh-7/telemetry/batch', payload });
        expect(records.map(({ value }) => decoded(value))).toEqual(
          items.map((item) => ({ vehicleId: 'veh-7', ...item, status: statuses[item.status] })),
        );
      }),
      { numRuns: 30 },
    );
  });
});

/** A message with any value, possible or not, in any of its fields. */
const wildReports = fc.record(
  {
    vehicleId: fc.oneof(fc.constant('veh-7'), fc.string()),
    bootId: fc.nat(),
    sequence: fc.double({ noNaN: true }).map(Math.trunc),
    eventTimeUs: fc.oneof(envelope.eventTimeUs, fc.maxSafeInteger()),
    position: fc.record(
      { latitudeDeg: fc.double(), longitudeDeg: fc.double(), altitudeM: fc.float(), accuracyM: fc.float() },
      { requiredKeys: [] },
    ),
    speedMps: fc.float(),
    headingDeg: fc.float(),
    batteryLevel: fc.float(),
    batteryVoltageV: fc.float(),
    odometerM: fc.nat(),
    status: fc.integer(),
    faultCodes: fc.array(fc.string()),
  },
  { requiredKeys: [] },
);

/** A valid payload with some of its bytes changed, dropped, doubled or cut off. */
const mutated = fc
  .tuple(
    reports.map((fields) => protobufBytes('VehicleTelemetryBatch', { items: [{ vehicleId: 'veh-7', ...fields }] })),
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'drop', 'insert', 'cut')), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([bytes, changes]) =>
    changes.reduce((payload, [where, byte, change]) => {
      const at = where % (payload.length + 1);
      if (change === 'cut') return payload.subarray(0, at);
      const kept = change === 'insert' ? at : at + 1;
      const put = change === 'drop' ? [] : [byte];
      return Buffer.concat([payload.subarray(0, at), Buffer.from(put), payload.subarray(kept)]);
    }, bytes),
  );

const topics = [
  ['v1/vehicles/veh-7/telemetry', vehicle],
  ['v1/vehicles/veh-7/telemetry/batch', vehicle],
  ['v1/bays/bay-3/events', bay],
  ['v1/bays/bay-3/events/batch', bay],
] as const;

/** Whatever the payload: no exception, and either a rejection and no record, or records and no rejection. */
function endsEitherWay(topic: string, identity: typeof vehicle, payload: Uint8Array): void {
  const sink = new TestSink();
  const rejection = pipeline.run(new TestPublish({ topic, identity, payload }), sink);
  expect(sink.records.length > 0).toBe(rejection === undefined);
  // Only a table of rules that is weaker than its schema lets the encoder refuse a small message.
  expect(rejection?.reason).not.toBe('too_large');
}

describe('every publish ends as records or as a rejection', () => {
  it('whatever its fields say', () => {
    fc.assert(
      fc.property(wildReports, (fields) => {
        endsEitherWay('v1/vehicles/veh-7/telemetry', vehicle, protobufBytes('VehicleTelemetry', fields));
      }),
      { numRuns: 1000 },
    );
  });

  it('whatever has happened to its bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...topics), mutated, ([topic, identity], payload) => {
        endsEitherWay(topic, identity, payload);
        // Without the framing of the batch, so that the mutation also meets the single message.
        endsEitherWay(topic, identity, payload.subarray(2));
      }),
      { numRuns: 2000 },
    );
  });

  it('whatever bytes it is made of', () => {
    fc.assert(
      fc.property(fc.constantFrom(...topics), fc.uint8Array({ maxLength: 200 }), ([topic, identity], payload) => {
        endsEitherWay(topic, identity, payload);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the rules of our messages', () => {
  it('refuse whatever their schema would not take', () => {
    // Messages that passed the rules are encoded without a trial; the encoder must never refuse them.
    const type = loadProtos([]).lookupType('mobility.telemetry.v1.VehicleTelemetry');
    const required = ['vehicleId', 'bootId', 'sequence', 'eventTimeUs', 'batteryLevel'];
    const valid = { vehicleId: 'veh-7', bootId: 1, sequence: 1, eventTimeUs: receivedAtMs * 1000, batteryLevel: 1 };
    for (const field of required) {
      const { rejection } = run({ payload: Buffer.from(type.encode({ ...valid, [field]: null }).finish()) });
      expect(rejection).toEqual({ reason: 'invalid_field', field, detail: `${field} is missing` });
    }
  });
});
