import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RememberedSchemas, schemasFileName } from '../../../gateway/spool/remembered-schemas.ts';
import { TestDirectory } from './support.ts';

const schemas = [
  { subject: 'a-value', definition: '{"type":"string"}' },
  { subject: 'b-value', definition: '{"type":"long"}' },
];
const ids = new Map([
  ['a-value', 7],
  ['b-value', 8],
]);

test('ids are recalled as long as registry, subject and schema are the same', async () => {
  await using directory = await TestDirectory.make();
  await mkdir(directory.path);
  const memory = new RememberedSchemas(directory.path, 'http://registry');
  expect(await memory.recall(schemas)).toBeUndefined();
  await memory.remember(schemas, ids);
  expect(await memory.recall(schemas)).toEqual(ids);
  expect((await stat(join(directory.path, schemasFileName))).mode & 0o777).toBe(0o600);

  const changed = schemas.with(1, { subject: 'b-value', definition: '{"type":"int"}' });
  expect(await memory.recall(changed)).toBeUndefined();
  expect(await new RememberedSchemas(directory.path, 'http://another').recall(schemas)).toBeUndefined();
});

test('a damaged file remembers nothing', async () => {
  await using directory = await TestDirectory.make();
  await mkdir(directory.path);
  await writeFile(join(directory.path, schemasFileName), '{"a');
  expect(await new RememberedSchemas(directory.path, 'http://registry').recall(schemas)).toBeUndefined();
});
