import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import type { ClampDirection } from '../../../gateway/core/validation/event-clock.ts';
import {
  contracts,
  defaultOptions,
  protobufBytes,
  receivedAtMs,
  report,
  run,
  telemetry,
  type WrittenRecord,
} from './fixture.ts';

const day = 86_400;
const definition = contracts.schemas.find(({ subject }) => subject.endsWith('VehicleTelemetry'))?.definition ?? '';
const schema = avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false });
const deviceTimeUs = ({ value }: WrittenRecord) =>
  Number((schema.fromBuffer(value.subarray(5)) as { eventTimeUs: number }).eventTimeUs);

/** What becomes of a report whose device's clock is so many seconds off. */
function reported(offsetSeconds: number, gatewayOffsetSeconds = 0) {
  const eventTimeUs = (receivedAtMs + offsetSeconds * 1000) * 1000;
  const received = receivedAtMs + gatewayOffsetSeconds * 1000;
  const { records, rejection } = run({ payload: telemetry({ eventTimeUs }), receivedAtMs: received });
  expect(rejection).toBeUndefined();
  return { record: records[0] as WrittenRecord, eventTimeUs };
}

describe('the time of an event', () => {
  it.each([0, 299, 300, -1, -3 * day, -29 * day, -30 * day])(
    'is that of a device whose clock is %i s off, in timestamp and ce_time',
    (seconds) => {
      const { record, eventTimeUs } = reported(seconds);
      expect(record.timestampMs).toBe(Math.floor(eventTimeUs / 1000));
      expect(Date.parse(record.headers.ce_time ?? '')).toBe(record.timestampMs);
      expect(record.headers).not.toHaveProperty('ce_timeclamped');
    },
  );

  it.each<[number, ClampDirection]>([
    [301, 'future'],
    [2 * 3600, 'future'],
    [3 * day, 'future'],
    [20 * 365 * day, 'future'],
    [-31 * day, 'past'],
    [-20 * 365 * day, 'past'],
  ])('is that of receipt for a device whose clock is %i s off, and a header says %s', (seconds, direction) => {
    const { record, eventTimeUs } = reported(seconds);
    expect(record.timestampMs).toBe(receivedAtMs);
    expect(record.headers).toMatchObject({
      ce_time: '2025-11-21T09:22:33.123000Z',
      ce_receivedtime: '2025-11-21T09:22:33.123Z',
      ce_timeclamped: direction,
    });
    // What the device said is not lost.
    expect(deviceTimeUs(record)).toBe(eventTimeUs);
  });

  it.each<[string, number, ClampDirection]>([
    ['that starts in 1970', 0, 'past'],
    ['from before 1970', -1_000_000, 'past'],
    ['of the first second of 1970', 1_000_000, 'past'],
    ['at the end of what a record holds', 2 ** 53 - 2, 'future'],
    ['at the other end', -(2 ** 52), 'past'],
  ])('is that of receipt for a clock %s', (_, eventTimeUs, direction) => {
    const record = run({ payload: telemetry({ eventTimeUs }) }).records[0] as WrittenRecord;
    expect(record.timestampMs).toBe(receivedAtMs);
    expect(record.headers.ce_timeclamped).toBe(direction);
    expect(deviceTimeUs(record)).toBe(eventTimeUs);
  });

  it.each([2 ** 53, 2 ** 62, -(2 ** 53), -(2 ** 62)])('that no record can hold, %d, is refused', (eventTimeUs) => {
    expect(run({ payload: telemetry({ eventTimeUs }) }).rejection).toMatchObject({
      reason: 'absurd_clock',
      field: 'eventTimeUs',
    });
  });

  it('that is missing is a defect of the message, not of a clock', () => {
    expect(run({ payload: telemetry({ eventTimeUs: null }) }).rejection).toEqual({
      reason: 'invalid_field',
      field: 'eventTimeUs',
      detail: 'eventTimeUs is missing',
    });
  });

  it('does not change the id of the event', () => {
    const ids = [0, 2 ** 50, receivedAtMs * 1000].map((eventTimeUs) => {
      const { records } = run({ payload: telemetry({ eventTimeUs }) });
      return records[0]?.headers.ce_id;
    });
    expect(new Set(ids)).toEqual(new Set(['unit-7:4000000000:42']));
  });
});

describe('a late batch after an outage', () => {
  const upload = (ages: readonly number[]) => {
    const items = ages.map((age, i) => ({
      ...report,
      sequence: i,
      eventTimeUs: (receivedAtMs - age * 1000) * 1000,
    }));
    return run({
      topic: 'v1/vehicles/veh-7/telemetry/batch',
      payload: protobufBytes('VehicleTelemetryBatch', { items }),
    }).records;
  };

  it('keeps the time of each event, days and weeks old', () => {
    const ages = [29 * day, 7 * day, 3600, 1];
    expect(upload(ages).map(({ timestampMs }) => timestampMs)).toEqual(ages.map((age) => receivedAtMs - age * 1000));
  });

  it('has the clock of each item judged by itself, and stays in its order', () => {
    const records = upload([400 * day, 2 * day, -day, 0]);
    expect(records.map(({ headers }) => headers.ce_timeclamped)).toEqual(['past', undefined, 'future', undefined]);
    expect(records.map(({ timestampMs }) => receivedAtMs - timestampMs)).toEqual([0, 2 * day * 1000, 0, 0]);
    expect(records.map(({ headers }) => headers.ce_id?.split(':')[2])).toEqual(['0', '1', '2', '3']);
  });
});

describe("when the gateway's own clock is wrong", () => {
  it('ahead, up to the age that late events may have, events keep the times of their devices', () => {
    for (const ahead of [3600, 7 * day]) {
      const { record, eventTimeUs } = reported(0, ahead);
      expect(record.timestampMs).toBe(eventTimeUs / 1000);
    }
  });

  it('behind, every event is dated with the wrong clock, says so, is counted, and has the right time in its value', () => {
    const counted: ClampDirection[] = [];
    const clockObserver = { timeClamped: (direction: ClampDirection) => counted.push(direction) };
    const through = createPipeline({ ...defaultOptions, clockObserver });
    for (let i = 0; i < 3; i++) {
      const eventTimeUs = (receivedAtMs + i) * 1000;
      const received = receivedAtMs - 3600 * 1000;
      const { records } = run({ payload: telemetry({ eventTimeUs, sequence: i }), receivedAtMs: received }, through);
      const record = records[0] as WrittenRecord;
      expect(record.timestampMs).toBe(received);
      expect(record.headers.ce_timeclamped).toBe('future');
      expect(deviceTimeUs(record)).toBe(eventTimeUs);
    }
    expect(counted).toEqual(['future', 'future', 'future']);
  });
});
