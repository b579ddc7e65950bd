import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFleet } from '../../device-simulator/core/fleet.ts';
import { World } from '../../device-simulator/core/world.ts';
import { loadPayloadEncoder, readingOf } from '../../device-simulator/mqtt/payload.ts';
import { contentOf, type ReportFields, ReportReader } from '../../faults/content.ts';

const fleet = createFleet({ vehicles: 1, bays: 0, runId: 1 });
const [device] = fleet as [(typeof fleet)[number]];
const encoder = loadPayloadEncoder();
const reader = new ReportReader();

const reading = readingOf(new World(fleet, 1, 0).vehicleAt(0, 1000));
const read = (changes: object = {}, envelope: object = {}): ReportFields => {
  const payload = encoder.vehicle({ device, sequence: 7, eventTimeMs: 1000, ...envelope }, { ...reading, ...changes });
  return reader.read(payload) as ReportFields;
};

const schemaFile = join(import.meta.dirname, '../../schemas/vehicle-telemetry.avsc');
const avro = avsc.Type.forSchema(JSON.parse(readFileSync(schemaFile, 'utf8')) as avsc.Schema, { wrapUnions: false });

/** The same report, written and read as Avro: null for what is not set, enums without the name of their type. */
function asAvro(report: ReportFields): ReportFields {
  const { position, status, faultCodes } = report as { position: object; status?: string; faultCodes?: string[] };
  const unset = { speedMps: null, headingDeg: null, batteryVoltageV: null, odometerM: null };
  const avroStatus = (status ?? 'VEHICLE_STATUS_UNSPECIFIED').slice('VEHICLE_STATUS_'.length);
  const avroPosition = { altitudeM: null, accuracyM: null, ...position };
  const said = { ...unset, ...report, position: avroPosition, status: avroStatus, faultCodes: faultCodes ?? [] };
  return avro.fromBuffer(avro.toBuffer(said)) as ReportFields;
}

describe('the checksum of what a report says', () => {
  it('is the same for what was sent and for what Kafka has', () => {
    fc.assert(
      fc.property(
        fc.record({
          latitudeDeg: fc.double({ min: -90, max: 90, noNaN: true }),
          speedMps: fc.double({ min: 0, max: 150, noNaN: true }),
          batteryLevel: fc.double({ min: 0, max: 1, noNaN: true }),
          odometerM: fc.nat(),
          fault: fc.option(fc.constant('P0A1B'), { nil: undefined }),
        }),
        (changes) => {
          const report = read(changes);
          expect(contentOf(asAvro(report))).toBe(contentOf(report));
        },
      ),
    );
  });

  it.each([
    ['latitudeDeg', { latitudeDeg: reading.latitudeDeg + 1e-6 }, {}],
    ['altitudeM', { altitudeM: reading.altitudeM + 1 }, {}],
    ['speedMps', { speedMps: reading.speedMps + 1 }, {}],
    ['batteryLevel', { batteryLevel: reading.batteryLevel / 2 }, {}],
    ['batteryVoltageV', { batteryVoltageV: reading.batteryVoltageV + 1 }, {}],
    ['odometerM', { odometerM: reading.odometerM + 1 }, {}],
    ['status', { state: reading.state === 'charging' ? 'parked' : 'charging' }, {}],
    ['faultCodes', { fault: 'P0A1B' }, {}],
    ['sequence', {}, { sequence: 8 }],
    ['eventTimeUs', {}, { eventTimeMs: 1001 }],
  ])('is another one when %s is', (_field, changes, envelope) => {
    expect(contentOf(read(changes, envelope))).not.toBe(contentOf(read({ fault: undefined })));
  });

  it('cannot be made of bytes that are no report', () => {
    expect(reader.read(Buffer.from([0x0a, 0xff]))).toBeUndefined();
  });
});
