import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RecordSchema, RegisteredSchema } from '../../../gateway/core/codec.ts';
import { RememberedSchemas, schemasFileName } from '../../../gateway/spool/remembered-schemas.ts';
import { TestDirectory } from './support.ts';

const schemas: RecordSchema[] = [
  { subject: 'a-value', type: 'AVRO', definition: '{"type":"string"}' },
  { subject: 'b-value', type: 'AVRO', definition: '{"type":"long"}' },
];
const ids = new Map<string, RegisteredSchema>([
  ['a-value', { registry: 'confluent', id: 7, uri: 'http://registry/schemas/ids/7' }],
  ['b-value', { registry: 'glue', id: 'b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63', uri: 'arn:aws:glue' }],
]);

test('ids are recalled as long as registry, subject and schema are the same', async () => {
  await using directory = await TestDirectory.make();
  await mkdir(directory.path);
  const memory = new RememberedSchemas(directory.path, 'http://registry');
  expect(await memory.recall(schemas)).toBeUndefined();
  await memory.remember(schemas, ids);
  expect(await memory.recall(schemas)).toEqual(ids);
  expect((await stat(join(directory.path, schemasFileName))).mode & 0o777).toBe(0o600);

  const changed = schemas.with(1, { subject: 'b-value', type: 'AVRO', definition: '{"type":"int"}' });
  expect(await memory.recall(changed)).toBeUndefined();
  expect(await new RememberedSchemas(directory.path, 'http://another').recall(schemas)).toBeUndefined();
});

test('a damaged file remembers nothing', async () => {
  await using directory = await TestDirectory.make();
  await mkdir(directory.path);
  await writeFile(join(directory.path, schemasFileName), '{"a');
  expect(await new RememberedSchemas(directory.path, 'http://registry').recall(schemas)).toBeUndefined();
});
