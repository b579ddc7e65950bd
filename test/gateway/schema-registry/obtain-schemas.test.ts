import { afterEach, describe, expect, it } from 'vitest';
import type { RecordSchema } from '../../../gateway/core/codec.ts';
import type { CompatibilityMode } from '../../../gateway/schema-registry/compatibility.ts';
import { obtainSchemas, withReferences } from '../../../gateway/schema-registry/obtain-schemas.ts';
import { RegistryClient } from '../../../gateway/schema-registry/registry-client.ts';
import { type RegistryStub, type StubAnswers, startRegistryStub } from './registry-stub.ts';

const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
const avro = (definition: string) => ({ subject: 's', type: 'AVRO', definition }) as const;
const old = record({ name: 'a', type: 'int' });
const schema = avro(record({ name: 'a', type: 'int' }, { name: 'b', type: 'int', default: 0 }));
const incompatible = avro(record({ name: 'a', type: 'int' }, { name: 'b', type: 'int' }));

const lookUp = 'POST /subjects/s';
const latest = 'GET /subjects/s/versions/latest';
const versions = 'GET /subjects/s/versions';
const compatibility = 'POST /compatibility/subjects/s/versions/latest?verbose=true';
const register = 'POST /subjects/s/versions';
const getMode = 'GET /config/s';
const setMode = 'PUT /config/s';
const compatible = [[200, { is_compatible: true }]] as const;
const before = [[200, { version: 3, schema: old }]] as const;

const registered = (id: number) => expect.objectContaining({ registry: 'confluent', id });

let stub: RegistryStub;
afterEach(() => stub.close());

interface Wish {
  readonly register?: boolean;
  readonly wanted?: RecordSchema;
  readonly mode?: CompatibilityMode;
  readonly setCompatibility?: boolean;
}

async function obtain(answers: Record<string, readonly unknown[]>, wish: Wish = {}): Promise<unknown> {
  stub = await startRegistryStub(answers as StubAnswers);
  const client = new RegistryClient({ url: stub.url, timeoutMs: 5000 });
  const settings = {
    register: wish.register ?? true,
    compatibility: wish.mode ?? 'BACKWARD',
    setCompatibility: wish.setCompatibility ?? false,
  } as const;
  const outcome = await obtainSchemas(client, [wish.wanted ?? schema], settings).catch((error: unknown) => error);
  return { outcome, asked: stub.requests.map(({ line }) => line) };
}

describe('obtaining schemas', () => {
  it('takes the id of a schema that is registered', async () => {
    expect(await obtain({ [lookUp]: [[200, { id: 5 }]] })).toEqual({
      outcome: new Map([['s', registered(5)]]),
      asked: [lookUp],
    });
  });

  it('registers the first schema of a subject', async () => {
    expect(await obtain({ [register]: [[200, { id: 5 }]] })).toEqual({
      outcome: new Map([['s', registered(5)]]),
      asked: [lookUp, latest, register],
    });
  });

  it('registers a schema that can read what the one before it wrote', async () => {
    const answers = { [latest]: before, [compatibility]: compatible, [register]: [[200, { id: 6 }]] };
    expect(await obtain(answers)).toEqual({
      outcome: new Map([['s', registered(6)]]),
      asked: [lookUp, latest, compatibility, register],
    });
  });

  it('does not register one that can not, even if the registry would take it, and says where and why', async () => {
    const answers = { [latest]: before, [compatibility]: compatible, [register]: [[200, { id: 6 }]] };
    expect(await obtain(answers, { wanted: incompatible })).toEqual({
      outcome: expect.objectContaining({
        code: 'schema_incompatible',
        message:
          '"s": the schema is not BACKWARD compatible with what is registered; R.b: the reader needs this field, the ' +
          'writer does not write it, and it has no default (a reader with this schema cannot read what version 3 wrote)',
      }),
      asked: [lookUp, latest, compatibility],
    });
  });

  it('does not register one that the registry calls incompatible', async () => {
    const answers = { [latest]: before, [compatibility]: [[200, { is_compatible: false, messages: ['m'] }]] };
    expect(await obtain(answers)).toEqual({
      outcome: expect.objectContaining({
        code: 'schema_incompatible',
        message: expect.stringMatching(/"s".*the registry says: m$/),
      }),
      asked: [lookUp, latest, compatibility],
    });
  });

  it('holds it against every version where the mode is transitive', async () => {
    const answers = {
      [versions]: [[200, [1, 2]]],
      'GET /subjects/s/versions/1': [[200, { version: 1, schema: record({ name: 'b', type: 'string' }) }]],
      'GET /subjects/s/versions/2': [[200, { version: 2, schema: old }]],
      [compatibility]: compatible,
    };
    expect(await obtain(answers, { mode: 'BACKWARD_TRANSITIVE' })).toMatchObject({
      outcome: { code: 'schema_incompatible', message: expect.stringContaining('version 1 wrote') },
    });
  });

  it('holds old readers against it where the mode is FORWARD, and nobody where it is NONE', async () => {
    const answers = { [latest]: before, [compatibility]: compatible, [register]: [[200, { id: 6 }]] };
    expect(await obtain(answers, { mode: 'FORWARD', wanted: incompatible })).toMatchObject({
      outcome: new Map([['s', registered(6)]]),
    });
    await stub.close();
    const without = avro(record({ name: 'b', type: 'int', default: 0 }));
    expect(await obtain(answers, { mode: 'FORWARD', wanted: without })).toMatchObject({
      outcome: { message: expect.stringContaining('a reader with version 3 cannot read what this schema writes') },
    });
    await stub.close();
    expect(await obtain(answers, { mode: 'NONE', wanted: incompatible })).toMatchObject({
      outcome: new Map([['s', registered(6)]]),
    });
  });

  it('sets the mode of the subject before a new version, and after the first', async () => {
    const wish = { setCompatibility: true, mode: 'FULL' } as const;
    const answers = {
      [latest]: before,
      [compatibility]: compatible,
      [register]: [[200, { id: 6 }]],
      [getMode]: [[200, { compatibilityLevel: 'NONE' }]],
      [setMode]: [[200, { compatibility: 'FULL' }]],
    };
    expect(await obtain(answers, wish)).toMatchObject({
      asked: [lookUp, latest, compatibility, getMode, setMode, register],
    });
    expect(stub.requests.find(({ line }) => line === setMode)?.body).toBe('{"compatibility":"FULL"}');
    await stub.close();
    const first = Object.fromEntries(Object.entries(answers).filter(([line]) => line !== latest));
    expect(await obtain(first, wish)).toMatchObject({ asked: [lookUp, latest, register, getMode, setMode] });
  });

  it('leaves a mode alone that is right', async () => {
    const answers = { [lookUp]: [[200, { id: 5 }]], [getMode]: [[200, { compatibilityLevel: 'BACKWARD' }]] };
    expect(await obtain(answers, { setCompatibility: true })).toMatchObject({ asked: [lookUp, getMode] });
  });

  it('takes the id that another gateway has registered in the same moment', async () => {
    const answers = {
      [lookUp]: [
        [404, {}],
        [200, { id: 9 }],
      ],
      [register]: [[409, { message: 'already exists' }]],
    };
    expect(await obtain(answers)).toMatchObject({ outcome: new Map([['s', registered(9)]]) });
  });

  it('fails when the registry refuses for another reason', async () => {
    const answers = { [register]: [[409, { message: 'rule' }]] };
    expect(await obtain(answers)).toMatchObject({ outcome: { code: 'schema_incompatible' } });
    await stub.close();
    expect(await obtain({ [lookUp]: [[500, {}]] })).toMatchObject({ outcome: { code: 'registry_unavailable' } });
  });

  it('registers nothing when somebody else is to do that, and says what to do', async () => {
    expect(await obtain({}, { register: false })).toMatchObject({
      outcome: { code: 'schema_not_found', message: expect.stringContaining('npm run schemas -- register') },
      asked: [lookUp, latest],
    });
    await stub.close();
    const answers = { [latest]: before, [compatibility]: compatible };
    expect(await obtain(answers, { register: false, wanted: incompatible })).toMatchObject({
      outcome: { code: 'schema_incompatible' },
    });
  });

  it('registers what a schema imports before it, and refers to its version', async () => {
    const common: RecordSchema = { subject: 'common.proto', type: 'PROTOBUF', definition: 'syntax = "proto3";' };
    const main: RecordSchema = { ...common, subject: 's', references: [common] };
    const lookUpCommon = 'POST /subjects/common.proto';
    const answers = {
      [lookUpCommon]: [
        [404, {}],
        [200, { id: 1, version: 4 }],
      ],
      'POST /subjects/common.proto/versions': [[200, { id: 1 }]],
      [register]: [[200, { id: 2 }]],
    };
    const { asked } = (await obtain(answers, { wanted: main })) as { asked: string[] };
    expect(asked.indexOf('POST /subjects/common.proto/versions')).toBeLessThan(asked.indexOf(register));
    expect(JSON.parse(stub.requests.at(-1)?.body ?? '')).toEqual({
      schemaType: 'PROTOBUF',
      schema: 'syntax = "proto3";',
      references: [{ name: 'common.proto', subject: 'common.proto', version: 4 }],
    });
  });

  it('goes through schemas once each, behind what they import', async () => {
    stub = await startRegistryStub({});
    const schemaOf = (subject: string, ...references: RecordSchema[]): RecordSchema => ({
      subject,
      type: 'PROTOBUF',
      definition: '',
      references,
    });
    const [a, b] = [schemaOf('a'), schemaOf('b', schemaOf('a'))];
    const subjects = withReferences([schemaOf('c', b, a), b, a]).map(({ subject }) => subject);
    expect(subjects).toEqual(['a', 'b', 'c']);
  });
});
