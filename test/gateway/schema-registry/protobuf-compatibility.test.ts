import { describe, expect, it } from 'vitest';
import { protobufBreaks } from '../../../gateway/schema-registry/protobuf-compatibility.ts';

const proto = (fields: string, rest = '') =>
  `syntax = "proto3"; package p; import "other.proto"; enum E { ZERO = 0; } message M { ${fields} } ${rest}`;

describe('a Protobuf reader reads', () => {
  it.each([
    ['a field that it does not know', '', 'int32 a = 1;'],
    ['without a field that the writer does not know', 'int32 a = 1;', ''],
    ['a renamed field', 'int32 a = 1;', 'int32 b = 1;'],
    ['another integer of the same encoding', 'int64 a = 1;', 'uint32 a = 1;'],
    ['an enum as an integer', 'int32 a = 1;', 'E a = 1;'],
    ['text as bytes', 'bytes a = 1;', 'string a = 1;'],
    ['one value where it expects many', 'repeated int32 a = 1;', 'int32 a = 1;'],
    ['a message of another file, by each of its names', 'p.Other a = 1;', 'Other a = 1;'],
    ['a message of another file, by its full name', '.q.Other a = 1;', 'q.Other a = 1;'],
    ['a message of its own, by its full name', '.p.M a = 1;', 'M a = 1;'],
    ['an enum by its full name', 'E a = 1;', 'p.E a = 1;'],
  ])('%s', (_, reader, writer) => {
    expect(protobufBreaks(proto(reader), proto(writer))).toEqual([]);
  });
});

describe('a Protobuf reader does not read, and the reason names the place:', () => {
  it.each([
    [
      'another encoding',
      'sint32 a = 1;',
      'int32 a = 1;',
      'p.M.a (1): the writer writes int32, the reader expects sint32',
    ],
    [
      'a reused number',
      'string a = 1;',
      'double b = 1;',
      'p.M.a (1): the writer writes double, the reader expects string',
    ],
    ['another message', 'Other a = 1;', 'M a = 1;', 'p.M.a (1): the writer writes p.M, the reader expects Other'],
    [
      'a message of that name in another package',
      'q.Other a = 1;',
      'Other a = 1;',
      'p.M.a (1): the writer writes Other, the reader expects q.Other',
    ],
    [
      'a map of others',
      'map<string, q.Other> a = 1;',
      'map<string, .r.Other> a = 1;',
      'p.M.a (1): the writer writes map<string, r.Other>, the reader expects map<string, q.Other>',
    ],
    [
      'many values where it expects one',
      'int32 a = 1;',
      'repeated int32 a = 1;',
      'p.M.a (1): the writer writes many values, the reader expects one and would drop the others',
    ],
    [
      'another map',
      'map<string, int32> a = 1;',
      'map<int32, int32> a = 1;',
      'p.M.a (1): the writer writes map<int32, int32>, the reader expects map<string, int32>',
    ],
  ])('%s', (_, reader, writer, reason) => {
    const breaks = protobufBreaks(proto(reader), proto(writer));
    expect(breaks.map(({ path, problem }) => `${path}: ${problem}`)).toEqual([reason]);
  });

  it('a message that it does not have', () => {
    expect(protobufBreaks(proto(''), proto('', 'message N { message O {} }')).map(({ path }) => path)).toEqual([
      'p.N',
      'p.N.O',
    ]);
  });

  it('a message of that name inside another message', () => {
    const inner = 'message A { message Inner {} } message B { message Inner {} }';
    const breaks = protobufBreaks(proto('A.Inner a = 1;', inner), proto('B.Inner a = 1;', inner));
    expect(breaks.map(({ problem }) => problem)).toEqual(['the writer writes p.B.Inner, the reader expects p.A.Inner']);
  });

  it('what omits a field that it requires', () => {
    const required = 'syntax = "proto2"; message M { required int32 a = 1; }';
    const optional = 'syntax = "proto2"; message M { optional int32 a = 1; }';
    expect(protobufBreaks(required, optional)).toEqual([
      { path: 'M.a (1)', problem: 'the reader requires it, the writer may omit it' },
    ]);
    expect(protobufBreaks(optional, required)).toEqual([]);
  });
});
