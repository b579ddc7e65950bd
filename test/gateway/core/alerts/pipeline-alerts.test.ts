import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../../gateway/contract/contract.ts';
import { AlertRecordEncoder, alertEventType } from '../../../../gateway/core/alerts/alert-record.ts';
import { Alerting } from '../../../../gateway/core/alerts/alerting.ts';
import { compileRules } from '../../../../gateway/core/alerts/compile.ts';
import { TrackedVehicles } from '../../../../gateway/core/alerts/state/tracked-vehicles.ts';
import type { RecordCodec } from '../../../../gateway/core/codec.ts';
import { delivered, rejected } from '../../../../gateway/core/outcome.ts';
import { createPipeline } from '../../../../gateway/core/pipeline.ts';
import type { RecordSink } from '../../../../gateway/core/record-sink.ts';
import {
  bay,
  bayEvent,
  defaultOptions,
  protobufBytes,
  receivedAtMs,
  registered,
  report,
  TestPublish,
  TestSink,
  telemetry,
} from '../fixture.ts';
import { ruleSettings, square } from './fixture.ts';

const contracts = loadContracts({
  routes: [],
  records: [{ name: 'alert', kafkaTopic: 'alerts', schema: 'alert.avsc' }],
});
const [schema] = contracts.schemas;
const codec = contracts
  .recordCodecs(registered(new Map([[schema?.subject as string, 77]])))
  .get('alert') as RecordCodec;
const type = avsc.Type.forSchema(JSON.parse(schema?.definition as string), { wrapUnions: false });

/** A pipeline that derives alerts, beside a sink that takes what it is told to. */
function scene(maxRecordBytes = 100_000) {
  const alerting = new Alerting({
    rules: compileRules(ruleSettings, [square('yard', 'keep_out', 13), square('x'.repeat(128), 'keep_in', 13)]),
    vehicles: new TrackedVehicles(10),
    observer: { derived: () => {}, durable: () => {}, takenBack: () => {} },
    keep: () => {},
  });
  const encoder = new AlertRecordEncoder(codec, { source: '/edge-ingest-gateway' });
  const pipeline = createPipeline({
    ...defaultOptions,
    maxRecordBytes,
    alerts: { alerting, kafkaTopic: 'alerts', encoder },
  });
  const sink = new TestSink(maxRecordBytes);
  const send = (fields: ConstructorParameters<typeof TestPublish>[0], into: RecordSink = sink) => {
    const publish = new TestPublish(fields);
    const concluded: string[] = [];
    publish.concluder = { conclude: (_, outcome) => concluded.push(outcome.kind) };
    return { publish, concluded, rejection: pipeline.run(publish, into) };
  };
  const alerts = () => sink.records.filter(({ topic }) => topic === 'alerts');
  return { alerting, pipeline, sink, send, alerts };
}

const low = { batteryLevel: 0.1, faultCodes: [] };
const read = (value: Buffer) => JSON.parse(JSON.stringify(type.fromBuffer(value.subarray(5)))) as object;

describe('a report that causes an alert', () => {
  const { send, sink } = scene();
  send({ payload: telemetry(low), traceparent: '00-ab-cd-01', correlationId: 'c-1' });
  const [cause, alert] = sink.records as [(typeof sink.records)[0], (typeof sink.records)[0]];

  it('is written with it, to a topic of alerts under the same key and timestamp', () => {
    expect(sink.records.map(({ topic }) => topic)).toEqual(['veh.events.raw', 'alerts']);
    expect(alert).toMatchObject({ key: cause.key, timestampMs: cause.timestampMs });
  });

  it('is what the CloudEvents headers of the alert name as their cause', () => {
    const { ce_id, ce_sequence: _, ...others } = cause.headers;
    expect(alert.headers).toEqual({
      ...others,
      ce_id: `${ce_id}:low_battery`,
      ce_causationid: ce_id,
      ce_type: 'com.mobilitycorp.vehicle.alert.low-battery.v1',
      ce_dataschema: codec.schemaUri,
    });
    expect(alertEventType('maintenance_required')).toBe('com.mobilitycorp.vehicle.alert.maintenance-required.v1');
  });

  it('has what the rule saw in the value, by the schema', () => {
    expect(schema?.subject).toBe('alerts-com.mobilitycorp.alerts.v1.Alert');
    expect(read(alert.value)).toEqual({
      alertId: alert.headers.ce_id,
      vehicleId: 'veh-7',
      rule: 'LOW_BATTERY',
      change: 'RAISED',
      severity: 'WARNING',
      causationId: cause.headers.ce_id,
      eventTimeUs: report.eventTimeUs,
      receivedTimeMs: receivedAtMs,
      lowBattery: { batteryLevel: Math.fround(0.1), thresholdLevel: Math.fround(0.15) },
      geofence: null,
      faultCodes: null,
      odometerService: null,
      suddenStop: null,
    });
  });

  it('is concluded when both are settled, with the worse of their outcomes', () => {
    const { send: publish, sink: into } = scene();
    const { concluded } = publish({ payload: telemetry(low) });
    into.records[0]?.settleable.settleRecord(delivered);
    expect(concluded).toEqual([]);
    into.records[1]?.settleable.settleRecord(rejected({ reason: 'refused_by_kafka', detail: '' }));
    expect(concluded).toEqual(['rejected']);
  });
});

describe('alerts of a publish', () => {
  it('have every kind of finding in their values', () => {
    const { send, alerts } = scene();
    const inside = { position: { latitudeDeg: 0.5, longitudeDeg: 13.5, accuracyM: 2 } };
    const outside = { position: { latitudeDeg: 2, longitudeDeg: 13.5, accuracyM: 2 } };
    const step = (seconds: number) => ({
      sequence: 42 + seconds,
      eventTimeUs: report.eventTimeUs + seconds * 1_000_000,
      batteryLevel: 0.5,
      faultCodes: [] as string[],
    });
    send({ payload: telemetry({ ...step(0), ...inside, speedMps: 20, odometerM: 14_999_999 }) });
    send({ payload: telemetry({ ...step(1), ...outside, faultCodes: ['P0A80'], speedMps: 0, odometerM: 15_000_001 }) });
    const findings = alerts().map(({ value }) =>
      Object.entries(read(value)).flatMap(([name, found]) =>
        typeof found === 'object' && found !== null ? [[name, found]] : [],
      ),
    );
    const geofence = {
      fenceId: 'yard',
      fenceName: 'fence yard',
      kind: 'KEEP_OUT',
      latitudeDeg: 0.5,
      longitudeDeg: 13.5,
    };
    const left = { ...geofence, transition: 'LEFT', latitudeDeg: 2 };
    const zone = { fenceId: 'x'.repeat(128), fenceName: `fence ${'x'.repeat(128)}`, kind: 'KEEP_IN' };
    expect(findings).toEqual([
      [['geofence', { ...geofence, transition: 'ENTERED' }]],
      [['geofence', left]],
      [['geofence', { ...left, ...zone }]],
      [['faultCodes', { faultCodes: ['P0A80'] }]],
      [['odometerService', { odometerM: 15_000_001, dueAtM: 15_000_000 }]],
      [['suddenStop', { fromMps: 20, toMps: 0, withinUs: 1_000_000 }]],
    ]);
  });

  it('of a batch come in the order of its items', () => {
    const { send, alerts } = scene();
    const items = [0, 1, 2].map((i) => ({
      ...report,
      sequence: i,
      faultCodes: [],
      batteryLevel: i === 1 ? 0.9 : 0.1,
      eventTimeUs: report.eventTimeUs + i,
    }));
    send({
      topic: 'v1/vehicles/veh-7/telemetry/batch',
      payload: protobufBytes('VehicleTelemetryBatch', { items }),
    });
    expect(alerts().map(({ headers }) => headers.ce_causationid)).toEqual(
      [0, 1, 2].map((i) => `unit-7:${report.bootId}:${i}`),
    );
  });

  it('are none of a bay, whose sensor has a battery too', () => {
    const { send, sink } = scene();
    send({ identity: bay, topic: 'v1/bays/bay-3/events', payload: bayEvent({ batteryLevel: 0.01 }) });
    expect(sink.records.map(({ topic }) => topic)).toEqual(['veh.events.raw']);
  });
});

describe('a report whose alert cannot be written', () => {
  it('is refused before anything is written, and its vehicle is as before', () => {
    // The record of the event fits, that of the alert about a fence with a long name does not.
    const { send, sink, alerting } = scene(900);
    const crossing = { position: { latitudeDeg: 0.5, longitudeDeg: 13.5, accuracyM: 2 } };
    send({ payload: telemetry({ faultCodes: [], position: null, batteryLevel: 0.5 }) });
    const before = sink.records.length;
    const { rejection } = send({
      payload: telemetry({
        ...low,
        ...crossing,
        sequence: 43,
        eventTimeUs: report.eventTimeUs + 1,
        faultCodes: [
          'P0A80'.padEnd(32, 'x'),
          'U0'.padEnd(32, 'y'),
          ...Array.from({ length: 12 }, (_, i) => `U${i}`.padEnd(32, 'z')),
        ],
      }),
    });
    expect(rejection).toMatchObject({ reason: 'too_large' });
    expect(sink.records).toHaveLength(before);
    expect(alerting.vehicles.track('veh-7').tip).toMatchObject({ batteryLow: false, inside: [] });
  });

  it('is rejected when the sink takes less than it was said to, and its vehicle is as before', () => {
    const { send, alerting } = scene();
    const taken: string[] = [];
    const stingy: RecordSink = {
      append: (topic, _key, _timestampMs, _encoder, _event, settleable) => {
        if (topic === 'alerts') return false;
        taken.push(topic);
        queueMicrotask(() => settleable.settleRecord(delivered));
        return true;
      },
    };
    const { concluded, publish } = send({ payload: telemetry(low) }, stingy);
    expect(taken).toEqual(['veh.events.raw']);
    return Promise.resolve().then(() => {
      expect(concluded).toEqual(['rejected']);
      publish.trail?.concluded(rejected({ reason: 'too_large', detail: '' }));
      expect(alerting.vehicles.track('veh-7').tip).toMatchObject({ batteryLow: false });
    });
  });
});
