import avsc from 'avsc';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import { loadProtos } from '../../../gateway/contract/proto-root.ts';
import type { Message, RouteCodec } from '../../../gateway/core/codec.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import type { RouteSettings } from '../../../gateway/core/route.ts';
import { registered } from '../core/fixture.ts';

const protos = loadProtos([]);

interface Subject {
  readonly name: string;
  readonly type: protobuf.Type;
  readonly avro: avsc.Type;
  readonly codec: RouteCodec;
}

/** Every message of every default route that is no batch. */
const subjects: Subject[] = defaultRoutes
  .filter(({ format, items }) => format === 'protobuf' && items === undefined)
  .map((route) => {
    const { codec, definition } = codecOf(route);
    const type = protos.lookupType(route.message as string);
    return { name: type.name, type, codec, avro: avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false }) };
  });

function codecOf(route: RouteSettings): { codec: RouteCodec; definition: string } {
  const contracts = loadContracts({ routes: [route] });
  const ids = new Map(contracts.schemas.map(({ subject }, index) => [subject, index + 1]));
  const codec = contracts.codecs(registered(ids)).get(route.pattern) as RouteCodec;
  return { codec, definition: contracts.schemas[0]?.definition as string };
}

const integers: Readonly<Record<string, [min: number, max: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  sint32: [-(2 ** 31), 2 ** 31 - 1],
  sfixed32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  fixed32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 53 - 2],
  fixed64: [0, 2 ** 53 - 2],
  int64: [-(2 ** 53) + 2, 2 ** 53 - 2],
  sint64: [-(2 ** 53) + 2, 2 ** 53 - 2],
  sfixed64: [-(2 ** 53) + 2, 2 ** 53 - 2],
};

/** Any value of a field that the encoding holds, whether or not the rules of validation allow it. */
function valuesOf(field: protobuf.Field): fc.Arbitrary<unknown> {
  const { resolvedType, type } = field;
  if (resolvedType instanceof protobuf.Type) return messageOf(resolvedType);
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.values(resolvedType.values));
  const range = integers[type];
  if (range !== undefined) return fc.integer({ min: range[0], max: range[1] });
  if (type === 'float') return fc.float({ noNaN: true });
  if (type === 'double') return fc.double({ noNaN: true });
  if (type === 'bool') return fc.boolean();
  if (type === 'string') return fc.string({ unit: 'binary', maxLength: 40 });
  if (type === 'bytes') return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  throw new Error(`no values for ${type}`);
}

function messageOf(type: protobuf.Type): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    model[field.name] = field.repeated ? fc.array(valuesOf(field), { maxLength: 5 }) : valuesOf(field);
  }
  return fc.record(model, { requiredKeys: [] });
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** A decoded message has what was absent on its prototype, so that it is compared place by place. */
function expectSame(record: Record<string, unknown>, message: Message): void {
  for (const [name, value] of Object.entries(record)) {
    const given = message[name];
    if (given === undefined) continue;
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
    if (isRecord) expectSame(value as Record<string, unknown>, given as Message);
    else expect(plain(value)).toEqual(plain(given));
  }
}

describe.each(subjects)('$name', ({ type, avro, codec }) => {
  it('makes the way from Protobuf to Avro and back without loss, or is refused with a reason', () => {
    let taken = 0;
    fc.assert(
      fc.property(messageOf(type), (fields) => {
        const decoded = codec.decoder.decode(type.encode(type.create(fields)).finish());
        if ('reason' in decoded) {
          expect(decoded).toEqual({ reason: expect.any(String), detail: expect.stringMatching(/./) });
          return;
        }
        const [message] = decoded as [Message];
        const target = Buffer.alloc(65_536);
        const defect = codec.encoder.defectOf(message);
        if (defect !== undefined) {
          expect(() => codec.encoder.encode(message, target, 0)).toThrow();
          return;
        }
        taken += 1;
        const end = codec.encoder.encode(message, target, 3);
        const back = avro.fromBuffer(target.subarray(3, end)) as Record<string, unknown>;
        expectSame(back, message);
        for (const [name, value] of Object.entries(fields)) {
          if (type.fields[name]?.resolvedType === null) expect(plain(back[name])).toEqual(plain(value));
        }
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('takes any bytes or refuses them with a reason, and never throws', () => {
    const valid = messageOf(type).map((fields) => type.encode(type.create(fields)).finish());
    const damaged = fc
      .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat())
      .map(([bytes, flips, cut]) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of flips) if (copy.length > 0) copy[at % copy.length] = value;
        return copy.subarray(0, copy.length - (cut % 3 === 0 ? cut % (copy.length + 1) : 0));
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged), (bytes) => {
        const decoded = codec.decoder.decode(Buffer.from(bytes));
        if (Array.isArray(decoded)) expect(decoded).toHaveLength(1);
        else expect(decoded).toMatchObject({ reason: expect.any(String), detail: expect.stringMatching(/./) });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('bytes that are made to cost', () => {
  const [telemetry] = subjects as [Subject];
  const batch = codecOf(defaultRoutes.find(({ items }) => items !== undefined) as RouteSettings).codec;
  const mebibyte = 2 ** 20;
  const varint = (value: number): Buffer => Buffer.from(protobuf.Writer.create().uint32(value).finish());
  const field = (number: number, content: Buffer): Buffer =>
    Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
  const nested = (depth: number): Buffer => {
    let content: Buffer = Buffer.alloc(0);
    for (let i = 0; i < depth; i++) content = field(5, content);
    return content;
  };

  it.each<[string, Buffer]>([
    ['a length of 2 GiB', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
    ['a length beyond 32 bits', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])],
    ['groups inside of groups', Buffer.alloc(mebibyte, 0x7b)],
    ['a varint without end', Buffer.alloc(mebibyte, 0xff)],
    ['end of a group that never began', Buffer.from([0x7c])],
    ['field number 0', Buffer.from([0x02, 0x00])],
  ])('%s: refused as malformed', (_, payload) => {
    for (const codec of [telemetry.codec, batch]) {
      expect(codec.decoder.decode(payload)).toMatchObject({ reason: 'malformed_payload' });
    }
  });

  it('unknown messages inside of each other cost nothing: they are skipped', () => {
    const payload = field(99, nested(5000));
    expect(Array.isArray(telemetry.codec.decoder.decode(payload))).toBe(true);
  });

  /** What stays referenced by the result, per byte of payload: bounds what a packet of the largest size can hold on to. */
  it.each<[string, (codecs: { telemetry: RouteCodec; batch: RouteCodec }) => [RouteCodec, Buffer]]>([
    [
      'half a million empty texts',
      ({ telemetry: codec }) => [codec, Buffer.concat(Array(mebibyte / 2).fill(field(12, Buffer.alloc(0))))],
    ],
    [
      'half a million unknown fields',
      ({ telemetry: codec }) => [codec, Buffer.alloc(mebibyte, Buffer.from([0x78, 0x01]))],
    ],
    ['a long packed list of an unknown field', ({ telemetry: codec }) => [codec, field(99, Buffer.alloc(mebibyte, 1))]],
    [
      'one field said half a million times',
      ({ telemetry: codec }) => [codec, Buffer.alloc(mebibyte, Buffer.from([0x58, 0x01]))],
    ],
    ['half a million empty items', ({ batch: codec }) => [codec, Buffer.alloc(mebibyte, Buffer.from([0x0a, 0x00]))]],
  ])('%s: decoded or refused in bounded memory', (_, make) => {
    const [codec, payload] = make({ telemetry: telemetry.codec, batch });
    const decoded = codec.decoder.decode(payload);
    const events = Array.isArray(decoded) ? decoded.length : 0;
    // Two bytes make one event at most, and an event one object; nothing is multiplied.
    expect(events).toBeLessThanOrEqual(payload.length / 2);
  });
});
