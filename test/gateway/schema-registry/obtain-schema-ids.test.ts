import { afterEach, describe, expect, it } from 'vitest';
import { backwardIncompatibility } from '../../../gateway/schema-registry/backward-compatibility.ts';
import { obtainSchemaIds } from '../../../gateway/schema-registry/obtain-schema-ids.ts';
import { RegistryClient } from '../../../gateway/schema-registry/registry-client.ts';
import { type RegistryStub, type StubAnswers, startRegistryStub } from './registry-stub.ts';

const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
const old = record({ name: 'a', type: 'int' });
const avro = (definition: string) => ({ subject: 's', type: 'AVRO', definition }) as const;
const schema = avro(record({ name: 'a', type: 'int' }, { name: 'b', type: 'int', default: 0 }));
const incompatible = avro(record({ name: 'a', type: 'int' }, { name: 'b', type: 'int' }));

const lookUp = 'POST /subjects/s';
const latest = 'GET /subjects/s/versions/latest';
const compatibility = 'POST /compatibility/subjects/s/versions/latest?verbose=true';
const register = 'POST /subjects/s/versions';
const compatible = [[200, { is_compatible: true }]] as const;

const registered = (id: number) => expect.objectContaining({ registry: 'confluent', id });

let stub: RegistryStub;
afterEach(() => stub.close());

async function obtain(
  answers: Record<string, readonly unknown[]>,
  registers: boolean,
  wanted = schema,
): Promise<unknown> {
  stub = await startRegistryStub(answers as StubAnswers);
  const client = new RegistryClient({ url: stub.url, timeoutMs: 5000 });
  const outcome = await obtainSchemaIds(client, [wanted], registers).catch((error) => error);
  return { outcome, asked: stub.requests.map(({ line }) => line) };
}

describe('obtaining ids', () => {
  it('takes the id of a schema that is registered', async () => {
    expect(await obtain({ [lookUp]: [[200, { id: 5 }]] }, true)).toEqual({
      outcome: new Map([['s', registered(5)]]),
      asked: [lookUp],
    });
  });

  it('registers the first schema of a subject', async () => {
    expect(await obtain({ [register]: [[200, { id: 5 }]] }, true)).toEqual({
      outcome: new Map([['s', registered(5)]]),
      asked: [lookUp, latest, register],
    });
  });

  it('registers a schema that can read what the one before it wrote', async () => {
    const answers = { [latest]: [[200, { schema: old }]], [compatibility]: compatible, [register]: [[200, { id: 6 }]] };
    expect(await obtain(answers, true)).toEqual({
      outcome: new Map([['s', registered(6)]]),
      asked: [lookUp, latest, compatibility, register],
    });
  });

  it('does not register one that can not, even if the registry would take it', async () => {
    const answers = { [latest]: [[200, { schema: old }]], [compatibility]: compatible, [register]: [[200, { id: 6 }]] };
    expect(await obtain(answers, true, incompatible)).toEqual({
      outcome: expect.objectContaining({ code: 'schema_incompatible', message: expect.stringContaining('"s"') }),
      asked: [lookUp, latest],
    });
  });

  it('does not register one that the registry calls incompatible', async () => {
    const answers = {
      [latest]: [[200, { schema: old }]],
      [compatibility]: [[200, { is_compatible: false, messages: ['m'] }]],
    };
    expect(await obtain(answers, true)).toEqual({
      outcome: expect.objectContaining({ code: 'schema_incompatible', message: expect.stringMatching(/"s".*: m$/) }),
      asked: [lookUp, latest, compatibility],
    });
  });

  it('takes the id that another gateway has registered in the same moment', async () => {
    const answers = {
      [lookUp]: [
        [404, {}],
        [200, { id: 9 }],
      ],
      [register]: [[409, { message: 'already exists' }]],
    };
    expect(await obtain(answers, true)).toMatchObject({ outcome: new Map([['s', registered(9)]]) });
  });

  it('fails when the registry refuses for another reason', async () => {
    const answers = { [register]: [[409, { message: 'rule' }]] };
    expect(await obtain(answers, true)).toMatchObject({ outcome: { code: 'schema_incompatible' } });
    await stub.close();
    expect(await obtain({ [lookUp]: [[500, {}]] }, true)).toMatchObject({ outcome: { code: 'registry_unavailable' } });
  });

  it('registers nothing when somebody else is to do that', async () => {
    expect(await obtain({}, false)).toMatchObject({ outcome: { code: 'schema_not_found' }, asked: [lookUp] });
  });
});

describe('backward compatibility', () => {
  const status = (...symbols: string[]) => ({
    name: 's',
    type: { type: 'enum', name: 'E', symbols, default: symbols[0] },
  });

  it.each([
    ['a field with a default', old, schema.definition],
    ['a removed field', schema.definition, old],
    ['another symbol', record(status('A')), record(status('A', 'B'))],
    ['a wider type', old, record({ name: 'a', type: 'long' })],
    ['null', old, record({ name: 'a', type: ['null', 'int'] })],
  ])('allows %s', async (_, before, after) => {
    stub = await startRegistryStub({});
    expect(backwardIncompatibility(after, before)).toBeUndefined();
  });

  it.each([
    ['a field without a default', old, incompatible.definition],
    ['a narrower type', record({ name: 'a', type: 'long' }), old],
    ['another type', old, record({ name: 'a', type: 'string' })],
    ['no more null', record({ name: 'a', type: ['null', 'int'] }), old],
  ])('does not allow %s', async (_, before, after) => {
    stub = await startRegistryStub({});
    expect(backwardIncompatibility(after, before)).toEqual(expect.any(String));
  });
});
