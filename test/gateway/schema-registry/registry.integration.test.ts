import { randomUUID } from 'node:crypto';
import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import { framingBytes, readSchemaId } from '../../../gateway/core/wire-format.ts';
import { obtainSchemaIds } from '../../../gateway/schema-registry/obtain-schema-ids.ts';
import { RegistryClient } from '../../../gateway/schema-registry/registry-client.ts';
import { SchemaCache } from '../../../gateway/schema-registry/schema-cache.ts';
import { sharedServers } from '../../support/servers.ts';
import { bay, bayEvent, defaultOptions, occupancy, report, TestPublish, TestSink, telemetry } from '../core/fixture.ts';

const client = new RegistryClient({ url: sharedServers().registryUrl, timeoutMs: 20_000 });

/** The default routes into a topic of this test, so that its subjects are its own. */
function routesOfOwn() {
  const kafkaTopic = `test-${randomUUID()}`;
  return defaultRoutes.map((route) => ({ ...route, kafkaTopic }));
}

const avro = (subject: string, definition: string) => ({ subject, type: 'AVRO', definition }) as const;
const definition = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });

describe('with a real registry', () => {
  it('a record is decoded with nothing but the schema that its value names', async () => {
    const routes = routesOfOwn();
    const contracts = loadContracts({ routes });
    const codecs = contracts.codecs(await obtainSchemaIds(client, contracts.schemas, true));
    const pipeline = createPipeline({ ...defaultOptions, routes, codecs });
    const sink = new TestSink();
    expect(pipeline.run(new TestPublish({ payload: telemetry() }), sink)).toBeUndefined();
    const topic = 'v1/bays/bay-3/events';
    expect(pipeline.run(new TestPublish({ identity: bay, topic, payload: bayEvent() }), sink)).toBeUndefined();

    const cache = new SchemaCache(client);
    const decoded = await Promise.all(
      sink.records.map(async ({ value }) => {
        const schema = await cache.schemaById(readSchemaId(value) as number);
        const type = avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: false });
        return JSON.parse(JSON.stringify(type.fromBuffer(value.subarray(framingBytes))));
      }),
    );
    expect(decoded).toEqual([
      { ...report, status: 'DRIVING' },
      { ...occupancy, state: 'OCCUPIED', temperatureC: null, faultCodes: [] },
    ]);
  });

  it('the id that a registration returns is the one that resolves, and is found again', async () => {
    const { schemas } = loadContracts({ routes: routesOfOwn() });
    const ids = await obtainSchemaIds(client, schemas, true);
    for (const { subject, definition } of schemas) {
      expect(await client.schemaById(ids.get(subject)?.id as number)).toBe(definition);
      expect(await client.latestSchema(subject)).toBe(definition);
    }
    expect(await obtainSchemaIds(client, schemas, false)).toEqual(ids);
    expect(await obtainSchemaIds(client, schemas, true)).toEqual(ids);
  });

  it('an evolved schema is registered beside the old one, an incompatible one is not', async () => {
    const subject = `test-${randomUUID()}`;
    const a = { name: 'a', type: 'int' };
    const first = avro(subject, definition(a));
    const evolved = avro(subject, definition(a, { name: 'b', type: 'int', default: 0 }));
    const [oldId] = (await obtainSchemaIds(client, [first], true)).values();
    const [newId] = (await obtainSchemaIds(client, [evolved], true)).values();
    expect(newId?.id).not.toBe(oldId?.id);
    expect(await client.schemaById(oldId?.id as number)).toBe(first.definition);
    const broken = avro(subject, definition(a, { name: 'c', type: 'int' }));
    await expect(obtainSchemaIds(client, [broken], true)).rejects.toMatchObject({ code: 'schema_incompatible' });
    expect(await client.latestSchema(subject)).toBe(evolved.definition);
  });

  it('several gateways that start at once all get the same id', async () => {
    const schema = avro(`test-${randomUUID()}`, definition({ name: 'a', type: 'int' }));
    const starts = Array.from({ length: 5 }, () => obtainSchemaIds(client, [schema], true));
    const ids = (await Promise.all(starts)).map((each) => each.get(schema.subject)?.id);
    expect(new Set(ids).size).toBe(1);
  });

  it('what is unknown or invalid is told apart', async () => {
    const subject = `test-${randomUUID()}`;
    await expect(client.schemaById(2_000_000_000)).rejects.toMatchObject({ code: 'schema_not_found' });
    await expect(client.latestSchema(subject)).rejects.toMatchObject({ code: 'schema_not_found' });
    await expect(client.lookUp(avro(subject, '"int"'))).rejects.toMatchObject({ code: 'schema_not_found' });
    const invalid = avro(subject, '{"type":"nope"}');
    await expect(client.register(invalid)).rejects.toMatchObject({ code: 'schema_invalid' });
    expect(await client.checkCompatibility(avro(subject, '"int"'))).toMatchObject({ compatible: true });
  });
});
