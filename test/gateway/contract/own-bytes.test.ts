import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import { ContractError } from '../../../gateway/contract/contract-error.ts';
import { sliceItems } from '../../../gateway/contract/own-bytes.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import type { RouteSettings } from '../../../gateway/core/route.ts';
import { defaultOptions, protobufBytes, registered, report, run, telemetry } from '../core/fixture.ts';

const forwarding = defaultRoutes.map(
  (route): RouteSettings => (route.format === 'raw' ? route : { ...route, valueFormat: 'protobuf' }),
);

function pipelineOf(routes: readonly RouteSettings[], protoPaths: readonly string[] = []) {
  const contracts = loadContracts({ routes, protoPaths });
  const ids = new Map(contracts.schemas.map(({ subject }) => [subject, 7]));
  return createPipeline({ ...defaultOptions, routes, codecs: contracts.codecs(registered(ids)) });
}

const pipeline = pipelineOf(forwarding);
const batchTopic = 'v1/vehicles/veh-7/telemetry/batch';
/** Magic byte, id 7, the first message of its file. */
const framing = Buffer.from([0, 0, 0, 0, 7, 0]);
/** Field 100, text: a newer device's, that the gateway does not know. */
const unknownField = Buffer.from([0xa2, 0x06, 0x03, 0x6e, 0x65, 0x77]);

describe('a route whose values are Protobuf', () => {
  it("forwards the device's own bytes, also what the gateway does not know", () => {
    const payload = Buffer.concat([telemetry(), unknownField]);
    const { records, rejection } = run({ payload }, pipeline);
    expect(rejection).toBeUndefined();
    expect(records[0]?.value).toEqual(Buffer.concat([framing, payload]));
    expect(records[0]?.headers['content-type']).toBe('application/protobuf');
    expect(records[0]?.headers.ce_dataschema).toBe('http://registry/schemas/ids/7');
  });

  it("forwards each item's own bytes of a batch", () => {
    const items = [1, 2, 3].map((sequence) => Buffer.concat([telemetry({ sequence }), unknownField]));
    const payload = Buffer.concat(items.flatMap((item) => [unknownField, ...prefixed(item)]));
    const { records } = run({ topic: batchTopic, payload }, pipeline);
    expect(records.map(({ value }) => value)).toEqual(items.map((item) => Buffer.concat([framing, item])));
  });

  it('refuses what it would refuse as Avro', () => {
    const refusals: [Buffer, string][] = [
      [telemetry({ vehicleId: 'veh-8' }), 'wrong_identity'],
      [telemetry({ batteryLevel: 7 }), 'invalid_field'],
      [telemetry({ status: 99 }), 'invalid_field'],
      [telemetry().subarray(0, 20), 'malformed_payload'],
    ];
    for (const [payload, reason] of refusals) expect(run({ payload }, pipeline).rejection?.reason).toBe(reason);
    const state = protobufBytes('BayOccupancy', {
      bayId: 'bay-3',
      bootId: 1,
      sequence: 1,
      eventTimeUs: report.eventTimeUs,
    });
    const identity = { deviceId: 'sensor-3', kind: 'bay', boundTo: 'bay-3' } as const;
    const refused = run({ payload: state, topic: 'v1/bays/bay-3/events', identity }, pipeline);
    expect(refused.rejection?.detail).toBe('state is missing');
  });

  it('refuses text that is no UTF-8, which other readers would not take', () => {
    const payload = telemetry({ faultCodes: ['xyz'] });
    payload[payload.indexOf('xyz')] = 0xff;
    expect(run({ payload }, pipeline).rejection?.reason).toBe('malformed_payload');
  });

  it('refuses a record that is too large', () => {
    const payload = Buffer.concat([telemetry(), Buffer.from([0xa2, 0x06, 0xc0, 0x84, 0x3d]), Buffer.alloc(1_000_000)]);
    expect(run({ payload }, pipeline).rejection?.reason).toBe('too_large');
  });

  it('may have no Avro schema at all; enums are named as declared', () => {
    const routes = forwarding.map((route): RouteSettings => {
      const { schema, ...rest } = route;
      return schema === undefined ? route : rest;
    });
    const { records, rejection } = run({ payload: telemetry({ status: 0 }) }, pipelineOf(routes));
    expect(rejection).toBeUndefined();
    expect(records[0]?.value).toEqual(Buffer.concat([framing, telemetry({ status: 0 })]));
  });

  it('registers its .proto file with what that imports, under the names of topic and message', () => {
    const { schemas, deviceSchemas } = loadContracts({ routes: forwarding });
    const [schema] = schemas;
    expect(schema).toMatchObject({
      subject: 'veh.events.raw-mobility.telemetry.v1.VehicleTelemetry',
      type: 'PROTOBUF',
      definition: expect.stringContaining('message VehicleTelemetry {'),
      references: [{ subject: 'mobility/telemetry/v1/common.proto', type: 'PROTOBUF', references: [] }],
    });
    expect(deviceSchemas.map(({ subject }) => subject)).toContain('mobility/telemetry/v1/vehicle_telemetry.proto');
  });
});

function prefixed(item: Buffer): Buffer[] {
  const length = protobuf.Writer.create().uint32(item.length).finish();
  return [Buffer.from([0x0a]), Buffer.from(length), item];
}

describe('the items of a batch', () => {
  it('are found whatever lies between them', () => {
    const other = fc.oneof(
      fc.constant(Buffer.from([0x10, 0x96, 0x01])),
      fc.constant(Buffer.from([0x1d, 1, 2, 3, 4])),
      fc.constant(Buffer.from([0x21, 1, 2, 3, 4, 5, 6, 7, 8])),
      fc.constant(unknownField),
      // A group with an item's tag inside, and the item's number in another wire type.
      fc.constant(Buffer.from([0x2b, 0x0a, 0x01, 0xff, 0x2c])),
      fc.constant(Buffer.from([0x08, 0x05])),
    );
    const part = fc.oneof(
      other.map((bytes) => ({ item: undefined, bytes })),
      fc.uint8Array({ maxLength: 300 }).map((array) => {
        const item = Buffer.from(array);
        return { item, bytes: Buffer.concat(prefixed(item)) };
      }),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const slices = sliceItems(Buffer.concat(parts.map(({ bytes }) => bytes)), 1);
        expect(slices).toEqual(parts.flatMap(({ item }) => (item === undefined ? [] : [item])));
      }),
    );
  });
});

describe('the place of a message in its file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'own-bytes-'));
    const file = (name: string, content: string) => writeFileSync(join(directory, name), content);
    file(
      'a.proto',
      'syntax = "proto3"; package op; message A {} enum X { Z = 0; } message B { message C { bool on = 1; } }',
    );
    file(
      'm.proto',
      'syntax = "proto3"; package op; message M { map<string, int32> m = 1; message N { bool on = 1; } }',
    );
    file('circle.proto', 'syntax = "proto3"; package op; import "round.proto"; message Circle { bool on = 1; }');
    file('round.proto', 'syntax = "proto3"; package op; import "circle.proto"; message Round {}');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const routeOf = (message: string): RouteSettings => ({
    pattern: 'v1/vehicles/{vehicleId}/own',
    format: 'protobuf',
    valueFormat: 'protobuf',
    kafkaTopic: 'own',
    key: 'topic:vehicleId',
    deviceKind: 'vehicle',
    subject: 'vehicleId',
    eventType: 'own',
    message,
  });
  const send = (message: string) =>
    run({ topic: 'v1/vehicles/veh-7/own', payload: Buffer.from([8, 1]) }, pipelineOf([routeOf(message)], [directory]));

  it('is written in front of its bytes, counting messages of its own file only', () => {
    expect(send('op.A').records[0]?.value).toEqual(Buffer.from([0, 0, 0, 0, 7, 0, 8, 1]));
    expect(send('op.B').records[0]?.value).toEqual(Buffer.from([0, 0, 0, 0, 7, 2, 2, 8, 1]));
    expect(send('op.B.C').records[0]?.value).toEqual(Buffer.from([0, 0, 0, 0, 7, 4, 2, 0, 8, 1]));
    expect(send('op.M').records[0]?.value).toEqual(Buffer.from([0, 0, 0, 0, 7, 0, 8, 1]));
  });

  it('is refused where readers disagree on it, and so are imports that no registry could take', () => {
    expect(() => send('op.M.N')).toThrow(ContractError);
    expect(() => send('op.M.N')).toThrow(/readers disagree on its index/);
    expect(() => send('op.Circle')).toThrow(/circle\.proto imports round\.proto imports circle\.proto: a circle/);
  });
});
