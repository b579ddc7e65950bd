import { afterEach, describe, expect, it } from 'vitest';
import { RegistryClient } from '../../../gateway/schema-registry/registry-client.ts';
import { SchemaCache } from '../../../gateway/schema-registry/schema-cache.ts';
import { type RegistryStub, type StubAnswers, startRegistryStub } from './registry-stub.ts';

const schema = { subject: 'topic-a/b.Record', type: 'AVRO', definition: '"string"' } as const;
const versions = 'POST /subjects/topic-a%2Fb.Record/versions';

let stub: RegistryStub;
afterEach(() => stub.close());

async function client(answers: StubAnswers, timeoutMs = 5000): Promise<RegistryClient> {
  stub = await startRegistryStub(answers);
  return new RegistryClient({ url: `${stub.url}/`, timeoutMs });
}

describe('a registry client', () => {
  it('registers a schema under its subject and returns the id', async () => {
    const registry = await client({ [versions]: [[200, { id: 42 }]] });
    expect(await registry.register(schema)).toEqual({
      registry: 'confluent',
      id: 42,
      uri: `${stub.url}/schemas/ids/42`,
    });
    expect(stub.requests).toEqual([
      {
        line: versions,
        headers: expect.objectContaining({ 'content-type': 'application/vnd.schemaregistry.v1+json' }),
        body: '{"schemaType":"AVRO","schema":"\\"string\\""}',
      },
    ]);
  });

  it('looks up the id of a registered schema', async () => {
    const registry = await client({ 'POST /subjects/topic-a%2Fb.Record': [[200, { id: 7, version: 1 }]] });
    expect(await registry.lookUp(schema)).toMatchObject({ id: 7 });
  });

  it('says nothing of its password when a registry echoes it, and nothing of a query', async () => {
    const password = 'p+ss word';
    const basic = Buffer.from(`edge:${password}`).toString('base64');
    const message = `Authorization: Basic ${basic}, that is edge:${password} (${encodeURIComponent(password)})`;
    stub = await startRegistryStub({ [versions]: [[401, { error_code: 401, message }]] });
    const url = `${stub.url.replace('://', `://edge:${encodeURIComponent(password)}@`)}?token=query-secret`;
    const refused = await new RegistryClient({ url, timeoutMs: 5000 }).register(schema).catch(String);
    expect(stub.requests[0]?.headers.authorization).toBe(`Basic ${basic}`);
    expect(refused).toContain('401 Authorization: Basic ***');
    for (const secret of [password, encodeURIComponent(password), basic, 'query-secret']) {
      expect(refused).not.toContain(secret);
    }
  });

  it('finds no schema that is not registered', async () => {
    expect(await (await client({})).lookUp(schema)).toBeUndefined();
  });

  it('fetches schemas by id, and the versions of a subject', async () => {
    const registry = await client({
      'GET /schemas/ids/7': [[200, { schema: '"int"' }]],
      'GET /subjects/s/versions': [[200, [1, 3]]],
      'GET /subjects/s/versions/1': [[200, { version: 1, schema: '"int"' }]],
      'GET /subjects/s/versions/3': [[200, { version: 3, schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }]],
      'GET /subjects/s/versions/latest': [[200, { version: 3, schema: '"long"', id: 8 }]],
    });
    expect(await registry.schemaById(7)).toBe('"int"');
    expect(await registry.versions('s', 'latest')).toEqual([{ version: 3, type: 'AVRO', definition: '"long"' }]);
    expect(await registry.versions('s', 'all')).toEqual([
      { version: 1, type: 'AVRO', definition: '"int"' },
      { version: 3, type: 'PROTOBUF', definition: 'syntax = "proto3";' },
    ]);
    expect(await registry.versions('none', 'latest')).toEqual([]);
    expect(await registry.versions('none', 'all')).toEqual([]);
  });

  it('asks what speaks against a schema; against the first of a subject nothing does', async () => {
    const path = 'POST /compatibility/subjects/topic-a%2Fb.Record/versions/latest?verbose=true';
    const registry = await client({
      [path]: [
        [200, { is_compatible: false, messages: ['why'] }],
        [200, { is_compatible: false }],
        [422, { message: 'no schema' }],
        [404, {}],
      ],
    });
    expect(await registry.objections(schema)).toEqual(['why']);
    expect(await registry.objections(schema)).toEqual(['it is not compatible']);
    expect(await registry.objections(schema)).toEqual([expect.stringContaining('422 no schema')]);
    expect(await registry.objections(schema)).toEqual([]);
  });

  it('reads and sets the mode of a subject', async () => {
    const registry = await client({
      'GET /config/s': [
        [404, {}],
        [200, { compatibilityLevel: 'FULL_TRANSITIVE' }],
      ],
      'PUT /config/s': [[200, {}]],
    });
    expect(await registry.mode('s')).toBeUndefined();
    expect(await registry.mode('s')).toBe('FULL_TRANSITIVE');
    await registry.setMode('s', 'BACKWARD');
    expect(stub.requests.at(-1)?.body).toBe('{"compatibility":"BACKWARD"}');
  });

  it('sends user and password of the address as basic authentication and shows them nowhere', async () => {
    stub = await startRegistryStub({ [versions]: [[500, { message: 'no' }]] });
    const url = stub.url.replace('http://', 'http://us%40er:pass%2Fword@');
    const failure: Error = await new RegistryClient({ url, timeoutMs: 5000 }).register(schema).catch((error) => error);
    expect(stub.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('us@er:pass/word').toString('base64')}`);
    expect(failure.message).toContain(stub.url);
    expect(failure.message).not.toMatch(/pass/);
  });

  it.each([
    [401, 'registry_refused'],
    [403, 'registry_refused'],
    [404, 'schema_not_found'],
    [409, 'schema_incompatible'],
    [422, 'schema_invalid'],
    [429, 'registry_unavailable'],
    [500, 'registry_unavailable'],
    [503, 'registry_unavailable'],
    [418, 'unexpected_response'],
  ])('fails on status %i with code %s and the words of the registry', async (status, code) => {
    const registry = await client({ [versions]: [[status, { error_code: 1, message: 'its own words' }]] });
    const failure = registry.register(schema);
    await expect(failure).rejects.toMatchObject({ code, message: expect.stringContaining(`${status} its own words`) });
  });

  it.each([
    ['no JSON', '<html>'],
    ['no object', '7'],
    ['no id', {}],
    ['an id that is no integer', { id: 'x' }],
    ['an id that four bytes do not hold', { id: 2 ** 32 }],
  ])('fails on an answer that is or has %s', async (_, answer) => {
    const registry = await client({ [versions]: [[200, answer]] });
    await expect(registry.register(schema)).rejects.toMatchObject({ code: 'unexpected_response' });
  });

  it('fails on an answer without a schema', async () => {
    const registry = await client({ 'GET /schemas/ids/1': [[200, { id: 1 }]] });
    await expect(registry.schemaById(1)).rejects.toMatchObject({ code: 'unexpected_response' });
  });

  it('gives up a registry that does not answer', async () => {
    const registry = await client({ [versions]: ['never'] }, 50);
    await expect(registry.register(schema)).rejects.toMatchObject({
      code: 'registry_unreachable',
      message: expect.stringContaining('no answer within 50 ms'),
    });
  });

  it('says why a registry can not be reached', async () => {
    const registry = await client({});
    await stub.close();
    await expect(registry.register(schema)).rejects.toMatchObject({
      code: 'registry_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('a schema cache', () => {
  it('asks once for an id, also when asked many times at once', async () => {
    const cache = new SchemaCache(await client({ 'GET /schemas/ids/1': [[200, { schema: '"int"' }]] }));
    expect(await Promise.all([cache.schemaById(1), cache.schemaById(1)])).toEqual(['"int"', '"int"']);
    expect(await cache.schemaById(1)).toBe('"int"');
    expect(stub.requests).toHaveLength(1);
  });

  it('does not remember a failure', async () => {
    const cache = new SchemaCache(
      await client({
        'GET /schemas/ids/1': [
          [503, { message: 'starting' }],
          [200, { schema: '"int"' }],
        ],
      }),
    );
    await expect(cache.schemaById(1)).rejects.toMatchObject({ code: 'registry_unavailable' });
    expect(await cache.schemaById(1)).toBe('"int"');
  });

  it('forgets what was not asked for longest', async () => {
    const answer = [[200, { schema: '"int"' }]] as const;
    const answers = Object.fromEntries([1, 2, 3].map((id) => [`GET /schemas/ids/${id}`, [...answer]]));
    const cache = new SchemaCache(await client(answers as unknown as StubAnswers), 2);
    for (const id of [1, 2, 3, 3, 1]) await cache.schemaById(id);
    expect(stub.requests.map(({ line }) => line.at(-1))).toEqual(['1', '2', '3', '1']);
  });
});
