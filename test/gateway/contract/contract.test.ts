import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avsc from 'avsc';
import protobuf from 'protobufjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import { ContractError } from '../../../gateway/contract/contract-error.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import type { RouteSettings } from '../../../gateway/core/route.ts';
import { defaultOptions, receivedAtMs, registered, run, TestPublish, TestSink } from '../core/fixture.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'contract-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | object): string {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const route: RouteSettings = {
  pattern: 'v1/vehicles/{vehicleId}/doors',
  format: 'protobuf',
  kafkaTopic: 'doors',
  key: 'topic:vehicleId',
  deviceKind: 'vehicle',
  subject: 'vehicleId',
  eventType: 'com.operator.doors',
  message: 'operator.Doors',
  schema: 'doors.avsc',
};

const doorsProto = (fields: string) => `syntax = "proto3"; package operator; message Doors { ${fields} }
  message Lock { string door = 1; } message DoorsBatch { repeated Doors items = 1; string note = 2; }
  enum LockState { LOCK_STATE_UNSPECIFIED = 0; LOCK_STATE_OPEN = 1; SHUT = 2; }`;
const doorsSchema = (...fields: object[]) => ({ type: 'record', name: 'Doors', namespace: 'operator', fields });

/** Loads the route with an operator's message of `fields` and a record of `places`. */
function load(fields: string, places: object[], settings: Partial<RouteSettings> = {}) {
  file('doors.proto', doorsProto(fields));
  file('doors.avsc', doorsSchema(...places));
  return loadContracts({ routes: [{ ...route, ...settings }], protoPaths: [directory], schemaPaths: [directory] });
}

function problemOf(action: () => unknown): string {
  try {
    action();
    return 'nothing';
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError);
    return `${(error as ContractError).code}: ${(error as ContractError).message}`;
  }
}

const vehicleId = { name: 'vehicleId', type: 'string' };

/** Sends a message through a pipeline with the operator's route; decodes the records by the schema. */
function publish(fields: string, places: object[], payloadOf: (type: protobuf.Type) => Uint8Array, settings = {}) {
  const contracts = load(fields, places, settings);
  const routes = [{ ...route, ...settings }];
  const ids = new Map(contracts.schemas.map(({ subject }) => [subject, 7]));
  const pipeline = createPipeline({ ...defaultOptions, routes, codecs: contracts.codecs(registered(ids)) });
  const type = protobuf.parse(doorsProto(fields)).root.lookupType(routes[0]?.message as string);
  const sink = new TestSink();
  const topic = 'v1/vehicles/veh-7/doors';
  const rejection = pipeline.run(new TestPublish({ topic, payload: payloadOf(type) }), sink);
  const avro = avsc.Type.forSchema(doorsSchema(...places) as avsc.Schema, { wrapUnions: false });
  const values = sink.records.map(({ value }) => JSON.parse(JSON.stringify(avro.fromBuffer(value.subarray(5)))));
  return { rejection, values, records: sink.records };
}

describe('the shipped contracts', () => {
  it('are those of the default routes, one subject for each type of record', () => {
    expect(loadContracts({ routes: defaultRoutes }).schemas.map(({ subject }) => subject)).toEqual([
      'veh.events.raw-com.mobilitycorp.telemetry.v1.VehicleTelemetry',
      'veh.events.raw-com.mobilitycorp.telemetry.v1.BayOccupancy',
      'veh.events.raw-com.mobilitycorp.telemetry.v1.BatteryStatus',
      'veh.events.raw-com.mobilitycorp.telemetry.v1.Diagnostics',
      'veh.events.raw-com.mobilitycorp.telemetry.v1.Incident',
    ]);
  });

  it('give no codec before the registry has given ids', () => {
    expect(problemOf(() => loadContracts({ routes: defaultRoutes }).codecs(new Map()))).toBe(
      'unregistered_schema: the registry gave no id for "veh.events.raw-com.mobilitycorp.telemetry.v1.VehicleTelemetry"',
    );
  });

  it('document every field of a record', () => {
    for (const { definition } of loadContracts({ routes: defaultRoutes }).schemas) {
      const { fields } = JSON.parse(definition) as { fields: { name: string; doc?: string }[] };
      expect(fields.filter(({ doc }) => doc === undefined).map(({ name }) => name)).toEqual([]);
    }
  });
});

describe("an operator's own message", () => {
  const everything = `string vehicle_id = 1; optional fixed32 boot_id = 2; optional fixed64 sequence = 3;
    optional int64 event_time_us = 4; LockState lock = 5; repeated LockState locks = 6; map<string, LockState> by_door = 7;
    repeated Lock details = 8; map<string, sint64> counts = 9; bytes raw = 10; bool open = 11; oneof what { double a = 12; Lock b = 13; }`;
  const state = { type: 'enum', name: 'LockState', symbols: ['OPEN', 'SHUT', 'LOCK_STATE_UNSPECIFIED'] };
  const lock = { type: 'record', name: 'Lock', fields: [{ name: 'door', type: 'string' }] };
  const places = [
    vehicleId,
    { name: 'bootId', type: 'long' },
    { name: 'sequence', type: 'long' },
    { name: 'eventTimeUs', type: 'long' },
    { name: 'lock', type: state },
    { name: 'locks', type: { type: 'array', items: 'LockState' } },
    { name: 'byDoor', type: { type: 'map', values: 'LockState' } },
    { name: 'details', type: { type: 'array', items: lock } },
    { name: 'counts', type: { type: 'map', values: 'long' } },
    { name: 'raw', type: 'bytes' },
    { name: 'open', type: 'boolean' },
    { name: 'a', type: ['null', 'double'] },
    { name: 'b', type: ['null', 'Lock'] },
    { name: 'added', type: 'string', default: 'x' },
  ];
  const message = {
    vehicleId: 'veh-7',
    bootId: 1,
    sequence: 2,
    eventTimeUs: receivedAtMs * 1000,
    lock: 1,
    locks: [2, 0, 1],
    byDoor: { left: 2 },
    details: [{ door: 'left' }],
    counts: { left: -5 },
    raw: Buffer.from([1, 2]),
    open: true,
    b: { door: 'right' },
  };
  const send = (fields: object) =>
    publish(everything, places, (type) => type.encode({ ...message, ...fields }).finish());

  it('arrives with all its values, enums by name', () => {
    const { values, rejection } = send({});
    expect(rejection).toBeUndefined();
    expect(values).toEqual([
      {
        ...message,
        lock: 'OPEN',
        locks: ['SHUT', 'LOCK_STATE_UNSPECIFIED', 'OPEN'],
        byDoor: { left: 'SHUT' },
        raw: { type: 'Buffer', data: [1, 2] },
        a: null,
        added: 'x',
      },
    ]);
  });

  it('gets the checks of the envelope by the names of its fields', () => {
    expect(send({ bootId: null }).rejection).toEqual({
      reason: 'invalid_field',
      field: 'bootId',
      detail: 'bootId is missing',
    });
    expect(send({ sequence: 2 ** 53 }).rejection?.detail).toMatch(/^sequence 9007199254740992 is not an integer/);
    expect(send({ eventTimeUs: 2 ** 62 }).rejection?.reason).toBe('absurd_clock');
    expect(send({ vehicleId: 'veh-8' }).rejection?.reason).toBe('wrong_identity');
  });

  it.each([
    ['an unknown enum', { lock: 9 }, 'lock 9 is no known value'],
    ['an unknown enum in a list', { locks: [0, 9] }, 'locks.1 9 is no known value'],
    ['an unknown enum in a map', { byDoor: { left: 9 } }, 'byDoor.left 9 is no known value'],
    [
      'an integer that avsc would write wrongly',
      { counts: { left: -(2 ** 52) - 1 } },
      'counts.left -4503599627370497 is no long',
    ],
    [
      'an integer that JavaScript does not hold',
      { counts: { left: 2 ** 55 } },
      'counts.left 36028797018963970 is no long',
    ],
  ])('is refused for %s', (_, fields, detail) => {
    expect(send(fields)).toMatchObject({ rejection: { reason: 'invalid_field', detail }, values: [] });
  });

  it('without an envelope is identified by its bytes and timed by its receipt', () => {
    const { records } = publish('bool open = 1;', [{ name: 'open', type: 'boolean' }], (type) =>
      type.encode({ open: true }).finish(),
    );
    expect(records[0]?.headers.ce_id).toMatch(/^unit-7:[0-9a-f]{32}$/);
    expect(records[0]?.timestampMs).toBe(receivedAtMs);
  });

  it('without an envelope, in a batch, is identified by bytes and position', () => {
    const settings = { message: 'operator.DoorsBatch', items: 'items' };
    const encode = (type: protobuf.Type) => type.encode({ items: [{ open: true }, { open: true }] }).finish();
    const { records } = publish('bool open = 1;', [{ name: 'open', type: 'boolean' }], encode, settings);
    const [first, second] = records.map(({ headers }) => headers.ce_id);
    expect(first).toMatch(/^unit-7:[0-9a-f]{32}:0$/);
    expect(second).toBe(first?.replace(/0$/, '1'));
  });

  it('is required to have what its schema does not allow to be null', () => {
    const places = [{ name: 'level', type: 'float' }];
    const { rejection, records } = publish('optional float level = 1;', places, () => Buffer.alloc(0));
    expect(rejection).toEqual({ reason: 'invalid_field', detail: 'level is missing' });
    expect(records).toEqual([]);
  });

  it('may give the key, and is refused when it lacks it', () => {
    const settings = { key: 'payload:door' };
    const places = [{ name: 'door', type: 'string' }];
    const send = (door: string) =>
      publish('string door = 1;', places, (type) => type.encode({ door }).finish(), settings);
    expect(send('left').records[0]?.key).toBe('left');
    expect(send('').rejection).toEqual({
      reason: 'invalid_field',
      detail: 'none of the fields of the key payload:door is there',
    });
  });

  it('may give the key by a number', () => {
    const places = [{ name: 'door', type: 'int' }];
    const { records } = publish('int32 door = 1;', places, (type) => type.encode({ door: 4 }).finish(), {
      key: 'payload:door',
    });
    expect(records[0]?.key).toBe('4');
  });

  it('may be declared in a single file and import the shipped ones', () => {
    const proto = file(
      'own/thing.proto',
      `syntax = "proto3"; package operator; import "mobility/telemetry/v1/common.proto"; import "other.proto";
       message Doors { mobility.telemetry.v1.GeoPoint at = 1; Other other = 2; }`,
    );
    file('own/other.proto', 'syntax = "proto3"; package operator; message Other { int32 n = 1; }');
    const point = {
      type: 'record',
      name: 'P',
      fields: ['latitudeDeg', 'longitudeDeg', 'altitudeM', 'accuracyM'].map((name) => ({
        name,
        type: ['null', 'double'],
      })),
    };
    const other = { type: 'record', name: 'O', fields: [{ name: 'n', type: 'long' }] };
    const schema = file(
      'schema.avsc',
      doorsSchema({ name: 'at', type: ['null', point] }, { name: 'other', type: ['null', other] }),
    );
    expect(() => loadContracts({ routes: [{ ...route, schema }], protoPaths: [proto] })).not.toThrow();
  });

  it('may contain itself', () => {
    const places = [
      { name: 'inner', type: ['null', 'Doors'] },
      { name: 'lock', type: state },
    ];
    const encode = (type: protobuf.Type) => type.encode({ inner: { inner: {}, lock: 1 } }).finish();
    expect(publish('Doors inner = 1; LockState lock = 2;', places, encode).values).toEqual([
      {
        inner: { inner: { inner: null, lock: 'LOCK_STATE_UNSPECIFIED' }, lock: 'OPEN' },
        lock: 'LOCK_STATE_UNSPECIFIED',
      },
    ]);
  });

  it('that nests too deep is malformed', () => {
    let payload = Buffer.alloc(0);
    for (let depth = 0; depth < 300; depth++) {
      // Field 1, length-delimited; lengths of two bytes, so that each is a varint of the same form.
      const length = [(payload.length & 0x7f) | 0x80, payload.length >>> 7];
      payload = Buffer.concat([Buffer.from([0x0a, ...length]), payload]);
    }
    const { rejection } = publish('Doors inner = 1;', [{ name: 'inner', type: ['null', 'Doors'] }], () => payload);
    expect(rejection?.reason).toBe('malformed_payload');
  });
});

describe('contracts that do not hold are refused, naming the route:', () => {
  const where = 'route "v1/vehicles/{vehicleId}/doors", schema "doors.avsc"';

  it.each<[string, string, object[], string]>([
    ['a field without a place', 'string a = 1;', [], 'Doors.a has no field of the same name in the schema'],
    ['a place without a field', '', [vehicleId], 'Doors.vehicleId is only in the schema, without a default'],
    [
      'a type that does not hold the values',
      'uint32 a = 1;',
      [{ name: 'a', type: 'int' }],
      "Doors.a is uint32, which the schema's int does not hold",
    ],
    [
      'a list for a single value',
      'int32 a = 1;',
      [{ name: 'a', type: { type: 'array', items: 'int' } }],
      "Doors.a is int32, which the schema's array does not hold",
    ],
    [
      'a single value for a list',
      'repeated int32 a = 1;',
      [{ name: 'a', type: 'int' }],
      'Doors.a is repeated, but the schema has int',
    ],
    [
      'an integer for a message',
      'Lock a = 1;',
      [{ name: 'a', type: ['null', 'int'] }],
      'Doors.a is a message, but the schema has int',
    ],
    [
      'an integer for an enum',
      'LockState a = 1;',
      [{ name: 'a', type: 'int' }],
      'Doors.a is an enum, but the schema has int',
    ],
    [
      'an enum without a symbol',
      'LockState a = 1;',
      [{ name: 'a', type: { type: 'enum', name: 'S', symbols: ['OPEN'] } }],
      "Doors.a can be SHUT, which is no symbol of the schema's operator.S",
    ],
    [
      'a map with integers as keys',
      'map<int32, string> a = 1;',
      [{ name: 'a', type: { type: 'map', values: 'string' } }],
      'Doors.a is a map, which needs string keys and an Avro map',
    ],
    [
      'a union of several types',
      'string a = 1;',
      [{ name: 'a', type: ['null', 'string', 'int'] }],
      'Doors.a has a union of several types in the schema',
    ],
    [
      'a default that absence would not reach',
      'optional int32 a = 1;',
      [{ name: 'a', type: 'int', default: 0 }],
      'Doors.a can be absent, so the schema must not give it a default without allowing null',
    ],
    [
      'a field deep inside',
      'repeated Lock a = 1;',
      [{ name: 'a', type: { type: 'array', items: { type: 'record', name: 'L', fields: [] } } }],
      'Doors.a.door has no field of the same name in the schema',
    ],
  ])('%s', (_, fields, places, problem) => {
    expect(problemOf(() => load(fields, places))).toBe(`schema_mismatch: ${where}: ${problem}`);
  });

  it('a message that nobody declares, also if a package has its name', () => {
    for (const message of ['operator.Door', 'operator', 'Doors', '']) {
      expect(problemOf(() => load('', [], { message }))).toBe(
        `unknown_message: route "${route.pattern}": no .proto file declares "${message}"`,
      );
    }
  });

  it('items that are no repeated messages', () => {
    for (const items of ['note', 'nothing']) {
      expect(problemOf(() => load('', [], { message: 'operator.DoorsBatch', items }))).toBe(
        `unknown_message: route "${route.pattern}": "operator.DoorsBatch" has no repeated messages in a field "${items}"`,
      );
    }
  });

  it('a schema that is not there, is no JSON or no Avro', () => {
    expect(problemOf(() => load('', [], { schema: 'none.avsc' }))).toMatch(
      /^invalid_schema: route .*none.avsc.*ENOENT/,
    );
    file('text.avsc', 'text');
    expect(problemOf(() => load('', [], { schema: 'text.avsc' }))).toMatch(/^invalid_schema: route .*text.avsc.*JSON/);
    file('odd.avsc', { type: 'odd' });
    expect(problemOf(() => load('', [], { schema: 'odd.avsc' }))).toMatch(/^invalid_schema: route .*odd.avsc.*odd/);
  });

  it('two schemas for one subject', () => {
    file('doors.proto', doorsProto(''));
    file('doors.avsc', doorsSchema());
    file('other.avsc', doorsSchema({ name: 'a', type: 'int', default: 0 }));
    const routes = [route, { ...route, pattern: 'other/{vehicleId}', schema: 'other.avsc' }];
    const problem = problemOf(() => loadContracts({ routes, protoPaths: [directory], schemaPaths: [directory] }));
    expect(problem).toBe('invalid_schema: two routes have different schemas for the subject "doors-operator.Doors"');
  });

  it('a .proto file that is none or is not there', () => {
    const broken = file('broken.proto', 'message {');
    expect(problemOf(() => loadContracts({ routes: [], protoPaths: [broken] }))).toMatch(
      /^invalid_proto: .*broken.proto/,
    );
    const missing = join(directory, 'missing.proto');
    expect(problemOf(() => loadContracts({ routes: [], protoPaths: [missing] }))).toMatch(
      /^invalid_proto: .*missing.proto/,
    );
  });

  it('a key that names a field which the message lacks', () => {
    expect(() => publish('', [], () => Buffer.alloc(0), { key: 'payload:door' })).toThrow(
      `route "${route.pattern}": key "payload:door" names the field "door", which operator.Doors lacks`,
    );
  });
});

it('a pipeline without the codec of a protobuf route is refused', () => {
  expect(() => createPipeline({ ...defaultOptions, codecs: new Map() })).toThrow(
    'route "v1/vehicles/{vehicleId}/telemetry": has no codec',
  );
  expect(run({ topic: 'v1/vehicles/veh-7/doors' }).rejection?.reason).toBe('no_route');
});
