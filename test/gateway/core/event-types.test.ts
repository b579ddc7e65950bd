import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { readSchemaId } from '../../../gateway/core/wire-format.ts';
import { contracts, protobufBytes, receivedAtMs, run, schemaIds } from './fixture.ts';

const types = new Map(
  contracts.schemas.map(({ subject, definition }) => [
    schemaIds.get(subject),
    avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false }),
  ]),
);
const decoded = (value: Buffer) => {
  const record = types.get(readSchemaId(value))?.fromBuffer(value.subarray(5)) as object;
  return JSON.parse(JSON.stringify(record)) as Record<string, unknown>;
};

const envelope = { vehicleId: 'veh-7', bootId: 7, sequence: 42, eventTimeUs: receivedAtMs * 1000 - 1000 };

const battery = {
  ...envelope,
  ...{ batteryLevel: 0.5, batteryHealth: 0.875, batteryVoltageV: 396.5, batteryCurrentA: -12.5, temperatureC: 31.5 },
  ...{ cellMinVoltageV: 3.5, cellMaxVoltageV: 3.75, chargeCycles: 312, remainingRangeM: 41_000 },
  ...{ chargingState: 1, batterySerial: 'BAT-00042' },
};
const diagnostics = {
  ...envelope,
  ...{ faultCodes: ['P0A80', 'U0100'], pendingFaultCodes: ['P0A7F'], warningLamp: false, odometerM: 12_345_678 },
  ...{ uptimeS: 3600, motorTemperatureC: 71.5, controllerTemperatureC: 48, firmwareVersion: '4.2.1' },
};
const incident = {
  ...envelope,
  ...{ type: 2, position: { latitudeDeg: 52.52, longitudeDeg: 13.405, altitudeM: null, accuracyM: 2.5 } },
  ...{ speedBeforeMps: 8.5, speedAfterMps: 0, peakAccelerationMps2: 78.5, headingDeg: 271, durationMs: 140 },
  airbagDeployed: true,
};

const kinds = [
  {
    what: 'a battery status',
    topic: 'v1/vehicles/veh-7/battery',
    message: 'BatteryStatus',
    fields: battery,
    value: { ...battery, chargingState: 'DISCHARGING' },
    type: 'com.mobilitycorp.vehicle.battery.v1',
  },
  {
    what: 'a diagnostics report',
    topic: 'v1/vehicles/veh-7/diagnostics',
    message: 'Diagnostics',
    fields: diagnostics,
    value: diagnostics,
    type: 'com.mobilitycorp.vehicle.diagnostics.v1',
  },
  {
    what: 'an incident',
    topic: 'v1/vehicles/veh-7/incidents',
    message: 'Incident',
    fields: incident,
    value: { ...incident, type: 'CRASH' },
    type: 'com.mobilitycorp.vehicle.incident.v1',
  },
];

describe.each(kinds)('$what', ({ topic, message, fields, value, type }) => {
  it('becomes a record under the key of its vehicle, with every field', () => {
    const { records, rejection } = run({ topic, payload: protobufBytes(message, fields) });
    expect(rejection).toBeUndefined();
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ topic: 'veh.events.raw', key: 'veh-7', timestampMs: receivedAtMs - 1 });
    expect(records[0]?.headers).toMatchObject({ ce_type: type, ce_id: 'unit-7:7:42', ce_subject: 'veh-7' });
    expect(decoded(records[0]?.value as Buffer)).toEqual(value);
  });

  it('comes in batches, too', () => {
    const items = [1, 2, 3].map((sequence) => ({ ...fields, sequence }));
    const { records } = run({ topic: `${topic}/batch`, payload: protobufBytes(`${message}Batch`, { items }) });
    expect(records.map(({ headers }) => headers.ce_id)).toEqual(['unit-7:7:1', 'unit-7:7:2', 'unit-7:7:3']);
    expect(records.every(({ headers }) => headers.ce_type === type)).toBe(true);
  });

  it('is refused when it names another vehicle, or comes from one', () => {
    const other = protobufBytes(message, { ...fields, vehicleId: 'veh-8' });
    expect(run({ topic, payload: other }).rejection?.reason).toBe('wrong_identity');
    const onOther = topic.replace('veh-7', 'veh-8');
    expect(run({ topic: onOther, payload: other }).rejection?.reason).toBe('not_authorized');
  });
});

describe('what a vehicle may leave out', () => {
  it.each([
    ['battery', 'BatteryStatus', { batteryLevel: 0 }],
    ['diagnostics', 'Diagnostics', {}],
    ['incidents', 'Incident', { type: 5 }],
  ])('of its %s is null or empty', (level, message, least) => {
    const payload = protobufBytes(message, { ...envelope, ...least });
    const { records, rejection } = run({ topic: `v1/vehicles/veh-7/${level}`, payload });
    expect(rejection).toBeUndefined();
    const { vehicleId, bootId, sequence, eventTimeUs, ...rest } = decoded(records[0]?.value as Buffer);
    expect({ vehicleId, bootId, sequence, eventTimeUs }).toEqual(envelope);
    for (const name of Object.keys(least)) delete rest[name];
    for (const absent of Object.values(rest)) expect([null, 'UNSPECIFIED', []]).toContainEqual(absent);
  });
});

describe('a field out of its range is named, of', () => {
  it.each([
    ['battery', 'BatteryStatus', { ...battery, batteryLevel: null }, 'batteryLevel is missing'],
    ['battery', 'BatteryStatus', { ...battery, batteryLevel: 1.5 }, 'batteryLevel 1.5 is not from 0 to 1'],
    ['battery', 'BatteryStatus', { ...battery, batteryHealth: -0.5 }, 'batteryHealth -0.5 is not from 0 to 1'],
    [
      'battery',
      'BatteryStatus',
      { ...battery, batteryCurrentA: 2001 },
      'batteryCurrentA 2001 is not from -2000 to 2000',
    ],
    ['battery', 'BatteryStatus', { ...battery, temperatureC: 200 }, 'temperatureC 200 is not from -90 to 150'],
    ['battery', 'BatteryStatus', { ...battery, cellMaxVoltageV: 11 }, 'cellMaxVoltageV 11 is not from 0 to 10'],
    ['battery', 'BatteryStatus', { ...battery, batterySerial: '' }, 'batterySerial is empty'],
    ['battery', 'BatteryStatus', { ...battery, chargingState: 9 }, 'chargingState 9 is no known value'],
    ['diagnostics', 'Diagnostics', { ...diagnostics, faultCodes: [''] }, 'faultCodes[0] is empty'],
    [
      ...(['diagnostics', 'Diagnostics'] as const),
      { ...diagnostics, pendingFaultCodes: Array(65).fill('P0A80') },
      'pendingFaultCodes has 65 items, more than 64',
    ],
    [
      ...(['diagnostics', 'Diagnostics'] as const),
      { ...diagnostics, motorTemperatureC: 301 },
      'motorTemperatureC 301 is not from -90 to 300',
    ],
    ['incidents', 'Incident', { ...incident, type: 0 }, 'type is missing'],
    ['incidents', 'Incident', { ...incident, type: 77 }, 'type 77 is no known value'],
    [
      ...(['incidents', 'Incident'] as const),
      { ...incident, position: { latitudeDeg: 91, longitudeDeg: 0 } },
      'position.latitudeDeg 91 is not from -90 to 90',
    ],
    ['incidents', 'Incident', { ...incident, speedBeforeMps: 151 }, 'speedBeforeMps 151 is not from 0 to 150'],
    ['incidents', 'Incident', { ...incident, headingDeg: 360 }, 'headingDeg 360 is not from 0 to below 360'],
  ])('%s: %s %o → %s', (level, message, fields, detail) => {
    const { rejection } = run({ topic: `v1/vehicles/veh-7/${level}`, payload: protobufBytes(message, fields) });
    expect(rejection).toMatchObject({ reason: 'invalid_field', detail });
  });
});
