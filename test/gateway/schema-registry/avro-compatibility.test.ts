import { describe, expect, it } from 'vitest';
import { avroBreaks } from '../../../gateway/schema-registry/avro-compatibility.ts';

const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'a.R', fields });
const field = (type: unknown, rest: object = {}) => ({ name: 'f', type, ...rest });
const symbols = (names: string[], rest: object = {}) => ({ type: 'enum', name: 'E', symbols: names, ...rest });
const inner = (...fields: object[]) => ({ type: 'record', name: 'I', fields });

describe('an Avro reader reads', () => {
  it.each([
    ['a field that the writer lacks, by its default', record(field('int', { default: 0 })), record()],
    ['past a field that it lacks', record(), record(field('int'))],
    [
      'a symbol that it lacks, by its default',
      record(field(symbols(['A'], { default: 'A' }))),
      record(field(symbols(['A', 'B']))),
    ],
    ['a narrower number', record(field('double')), record(field('long'))],
    ['what may be null no more', record(field(['null', 'int'])), record(field('int'))],
    ['a renamed field, by its alias', record({ name: 'g', type: 'int', aliases: ['f'] }), record(field('int'))],
    [
      'a record of another namespace, by its alias',
      JSON.stringify({ type: 'record', name: 'a.R', aliases: ['b.R'], fields: [] }),
      record().replace('a.R', 'b.R'),
    ],
    ['a record that contains itself', record(field(['null', 'a.R'])), record(field(['null', 'a.R']))],
  ])('%s', (_, reader, writer) => {
    expect(avroBreaks(reader, writer)).toEqual([]);
  });
});

describe('an Avro reader does not read, and the reason names the place:', () => {
  it.each([
    [
      'a field that the writer lacks, without a default',
      record(field('int')),
      record(),
      'R.f: the reader needs this field, the writer does not write it, and it has no default',
    ],
    [
      'a wider number',
      record(field('int')),
      record(field('long')),
      'R.f: the writer writes long, the reader expects int',
    ],
    [
      'null where it expects none',
      record(field('int')),
      record(field(['null', 'int'])),
      'R.f: the writer writes null, the reader expects int',
    ],
    [
      'a branch that its union lacks',
      record(field(['null', 'int'])),
      record(field(['null', 'string'])),
      'R.f: the writer may write string, which the reader does not take (null, int)',
    ],
    [
      'a symbol that it lacks, without a default',
      record(field(symbols(['A']))),
      record(field(symbols(['A', 'B', 'C']))),
      'R.f: the writer may write B, C, which the reader does not know and has no default for',
    ],
    [
      'deep inside of a union and a list',
      record(field(['null', { type: 'array', items: inner({ name: 'x', type: 'int' }) }])),
      record(field(['null', { type: 'array', items: inner() }])),
      'R.f[].x: the reader needs this field, the writer does not write it, and it has no default',
    ],
    [
      'in the values of a map',
      record(field({ type: 'map', values: 'int' })),
      record(field({ type: 'map', values: 'string' })),
      'R.f{}: the writer writes string, the reader expects int',
    ],
    [
      'another size',
      record(field({ type: 'fixed', name: 'F', size: 4 })),
      record(field({ type: 'fixed', name: 'F', size: 8 })),
      'R.f: the writer writes 8 bytes, the reader expects 4',
    ],
    [
      'another namespace',
      record(),
      record().replace('a.R', 'b.R'),
      'R: the writer writes record b.R, the reader expects record a.R',
    ],
    [
      'another record',
      record(field(inner())),
      record(field({ ...inner(), name: 'J' })),
      'R.f: the writer writes record a.J, the reader expects record a.I',
    ],
  ])('%s', (_, reader, writer, reason) => {
    expect(avroBreaks(reader, writer).map(({ path, problem }) => `${path}: ${problem}`)).toEqual([reason]);
  });
});
