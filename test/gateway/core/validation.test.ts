import { describe, expect, it } from 'vitest';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import { bay, bayEvent, defaultOptions, receivedAtMs, run, telemetry } from './fixture.ts';

/** The field is what the detail begins with, unless the decoder found it, before there were fields to check. */
const invalid = (detail: string) => {
  const field = detail.slice(0, detail.indexOf(' '));
  return { reason: 'invalid_field', detail, ...(/known value|^state is missing/.test(detail) ? {} : { field }) };
};

function rejectionOf(overrides: object) {
  const { rejection, records } = run({ payload: telemetry(overrides) });
  expect(records).toHaveLength(rejection === undefined ? 1 : 0);
  return rejection;
}

function bayRejectionOf(overrides: object) {
  const payload = bayEvent(overrides);
  return run({ identity: bay, topic: 'v1/bays/bay-3/events', payload }).rejection;
}

describe('a vehicle report is refused, saying field, value and limit, for', () => {
  it.each([
    ['a missing vehicle', { vehicleId: '' }, 'vehicleId is missing'],
    ['a missing boot id', { bootId: null }, 'bootId is missing'],
    ['a missing sequence', { sequence: null }, 'sequence is missing'],
    [
      'a sequence of 2^53-1',
      { sequence: 2 ** 53 - 1 },
      'sequence 9007199254740991 is not an integer from 0 to 9007199254740990',
    ],
    [
      'a sequence beyond',
      { sequence: 2 ** 60 },
      'sequence 1152921504606847000 is not an integer from 0 to 9007199254740990',
    ],
    ['a missing event time', { eventTimeUs: null }, 'eventTimeUs is missing'],
    [
      'a latitude beyond the pole',
      { position: { latitudeDeg: 90.5, longitudeDeg: 0 } },
      'position.latitudeDeg 90.5 is not from -90 to 90',
    ],
    [
      'a latitude that is no number',
      { position: { latitudeDeg: Number.NaN, longitudeDeg: 0 } },
      'position.latitudeDeg NaN is not from -90 to 90',
    ],
    ['a position without latitude', { position: { longitudeDeg: 0 } }, 'position.latitudeDeg is missing'],
    [
      'a longitude beyond',
      { position: { latitudeDeg: 0, longitudeDeg: -180.5 } },
      'position.longitudeDeg -180.5 is not from -180 to 180',
    ],
    ['a position without longitude', { position: { latitudeDeg: 0 } }, 'position.longitudeDeg is missing'],
    [
      'an altitude in space',
      { position: { latitudeDeg: 0, longitudeDeg: 0, altitudeM: 1e6 } },
      'position.altitudeM 1000000 is not from -1000 to 20000',
    ],
    [
      'a negative accuracy',
      { position: { latitudeDeg: 0, longitudeDeg: 0, accuracyM: -1 } },
      'position.accuracyM -1 is not from 0 to 100000',
    ],
    ['a negative speed', { speedMps: -0.5 }, 'speedMps -0.5 is not from 0 to 150'],
    ['an infinite speed', { speedMps: Number.POSITIVE_INFINITY }, 'speedMps Infinity is not from 0 to 150'],
    ['a heading of 360', { headingDeg: 360 }, 'headingDeg 360 is not from 0 to below 360'],
    ['a negative heading', { headingDeg: -1 }, 'headingDeg -1 is not from 0 to below 360'],
    ['a missing battery level', { batteryLevel: null }, 'batteryLevel is missing'],
    ['a battery level in percent', { batteryLevel: 75 }, 'batteryLevel 75 is not from 0 to 1'],
    ['a battery level that is no number', { batteryLevel: Number.NaN }, 'batteryLevel NaN is not from 0 to 1'],
    ['a voltage of a power line', { batteryVoltageV: 20_000 }, 'batteryVoltageV 20000 is not from 0 to 1500'],
    ['an unknown status', { status: 6 }, 'status 6 is no known value'],
    ['a negative status', { status: -1 }, 'status -1 is no known value'],
    ['too many fault codes', { faultCodes: Array(65).fill('P0A80') }, 'faultCodes has 65 items, more than 64'],
    ['an empty fault code', { faultCodes: ['P0A80', ''] }, 'faultCodes[1] is empty'],
    [
      'a long fault code',
      { faultCodes: ['x'.repeat(33)] },
      `faultCodes[0] "${'x'.repeat(33)}" is longer than 32 characters`,
    ],
  ])('%s', (_, overrides, detail) => {
    expect(rejectionOf(overrides)).toEqual(invalid(detail));
  });

  it('an id that is too long, quoting only its beginning', () => {
    const id = 'v'.repeat(129);
    const identity = { deviceId: 'd', kind: 'vehicle', boundTo: id } as const;
    const { rejection } = run({
      identity,
      topic: `v1/vehicles/${id}/telemetry`,
      payload: telemetry({ vehicleId: id }),
    });
    expect(rejection).toEqual(invalid(`vehicleId "${'v'.repeat(64)}…" is longer than 128 characters`));
  });
});

describe('a vehicle report is taken with', () => {
  it.each([
    ['the poles and the date line', { position: { latitudeDeg: -90, longitudeDeg: 180 } }],
    [
      'every limit reached',
      { speedMps: 150, headingDeg: 0, batteryLevel: 1, batteryVoltageV: 1500, odometerM: 2 ** 32 - 1 },
    ],
    ['a heading just below 360', { headingDeg: 359.99 }],
    ['no position', { position: null }],
    ['the largest boot id', { bootId: 2 ** 32 - 1 }],
    ['64 fault codes of 32 characters', { faultCodes: Array(64).fill('x'.repeat(32)) }],
  ])('%s', (_, overrides) => {
    expect(rejectionOf(overrides)).toBeUndefined();
  });
});

describe('where absurd clocks are rejected, the clock of a device', () => {
  const limits = { ...defaultOptions.limits, absurdClock: 'reject' } as const;
  const strict = createPipeline({ ...defaultOptions, limits });
  const strictRejectionOf = (eventTimeUs: number) => run({ payload: telemetry({ eventTimeUs }) }, strict).rejection;
  const at = (offsetSeconds: number) => receivedAtMs * 1000 + offsetSeconds * 1_000_000;

  it.each([300, 0, -30 * 86_400])('may be %i s off', (seconds) => {
    expect(strictRejectionOf(at(seconds))).toBeUndefined();
  });

  it.each([
    [300.5, '300.5 s ahead of', 300],
    [-30 * 86_400 - 0.5, '2592000.5 s behind', 2_592_000],
  ])('must not be %d s off', (seconds, distance, limit) => {
    expect(strictRejectionOf(at(seconds))).toEqual({
      reason: 'absurd_clock',
      field: 'eventTimeUs',
      detail: `eventTimeUs ${at(seconds)} is ${distance} the gateway's clock; at most ${limit} s are allowed`,
    });
  });

  it.each([0, -1, 2 ** 62, -(2 ** 62)])('must not say %d', (eventTimeUs) => {
    expect(strictRejectionOf(eventTimeUs)?.reason).toBe('absurd_clock');
  });
});

describe('a bay event is refused, saying field, value and limit, for', () => {
  it.each([
    ['a missing bay', { bayId: '' }, 'bayId is missing'],
    ['a missing boot id', { bootId: null }, 'bootId is missing'],
    ['an unspecified state', { state: 0 }, 'state is missing'],
    ['an unknown state', { state: 9 }, 'state 9 is no known value'],
    ['a vehicle in a free bay', { state: 1 }, 'vehicleId "veh-9" is given, but state is "FREE", not "OCCUPIED"'],
    ['an empty vehicle', { vehicleId: '' }, 'vehicleId is empty'],
    [
      'a vehicle with a long id',
      { vehicleId: 'v'.repeat(129) },
      `vehicleId "${'v'.repeat(64)}…" is longer than 128 characters`,
    ],
    ['a battery level below empty', { batteryLevel: -0.5 }, 'batteryLevel -0.5 is not from 0 to 1'],
    ['the temperature of a fire', { temperatureC: 400 }, 'temperatureC 400 is not from -90 to 150'],
    ['too many fault codes', { faultCodes: Array(65).fill('F1') }, 'faultCodes has 65 items, more than 64'],
  ])('%s', (_, overrides, detail) => {
    expect(bayRejectionOf(overrides)).toEqual(invalid(detail));
  });

  it('another bay', () => {
    expect(bayRejectionOf({ bayId: 'bay-4' })?.reason).toBe('wrong_identity');
  });

  it('a time that no record holds', () => {
    expect(bayRejectionOf({ eventTimeUs: 2 ** 62 })?.reason).toBe('absurd_clock');
  });
});

describe('a payload that is no message of its route', () => {
  const valid = telemetry();

  it.each([
    ['is cut off inside a field', valid.subarray(0, valid.length - 1)],
    ['has a varint without end', Buffer.concat([valid, Buffer.alloc(11, 0xff)])],
    ['has a text that is longer than the payload', Buffer.from([0x0a, 0x7f, 0x61])],
    ['has a length of 2^31', Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x80, 0x08])],
    ['has field number 0', Buffer.concat([valid, Buffer.from([0x00, 0x00])])],
    ['has a wire type that does not exist', Buffer.concat([valid, Buffer.from([0x7f])])],
    ['ends a group that was not begun', Buffer.concat([valid, Buffer.from([0xa4, 0x38])])],
    ['has text that is no UTF-8', Buffer.from([0x0a, 0x02, 0xc3, 0x28])],
    ['nests groups deeper than any message', Buffer.alloc(50_000, 0xa3)],
    ['is JSON', Buffer.from('{"vehicleId":"veh-7"}')],
  ])('is malformed when it %s', (_, payload) => {
    const { rejection, records } = run({ payload });
    expect(rejection?.reason).toBe('malformed_payload');
    expect(rejection?.detail).toMatch(/^not a VehicleTelemetry: /);
    expect(records).toEqual([]);
  });

  it('lacks its required fields when it is empty', () => {
    expect(run({ payload: Buffer.alloc(0) }).rejection).toEqual(invalid('vehicleId is missing'));
  });

  it('lacks a field that comes in another wire type, as in any Protobuf decoder', () => {
    // bootId (field 2) as a varint instead of fixed32, appended to a report without it.
    const payload = Buffer.concat([telemetry({ bootId: null }), Buffer.from([0x10, 0x07])]);
    expect(run({ payload }).rejection).toEqual(invalid('bootId is missing'));
  });
});
