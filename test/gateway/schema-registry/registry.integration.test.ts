import { randomUUID } from 'node:crypto';
import avsc from 'avsc';
import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import type { RecordSchema } from '../../../gateway/core/codec.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import type { RouteSettings } from '../../../gateway/core/route.ts';
import { framingBytes, readSchemaId } from '../../../gateway/core/wire-format.ts';
import { obtainSchemas } from '../../../gateway/schema-registry/obtain-schemas.ts';
import { RegistryClient } from '../../../gateway/schema-registry/registry-client.ts';
import { SchemaCache } from '../../../gateway/schema-registry/schema-cache.ts';
import { independentReader } from '../../support/independent-registry.ts';
import { sharedServers } from '../../support/servers.ts';
import {
  bay,
  bayEvent,
  defaultOptions,
  occupancy,
  protobufBytes,
  report,
  TestPublish,
  TestSink,
  telemetry,
} from '../core/fixture.ts';

const client = new RegistryClient({ url: sharedServers().registryUrl, timeoutMs: 20_000 });

/** The default routes into a topic of this test, so that its subjects are its own. */
function routesOfOwn(valueFormat: 'avro' | 'protobuf' = 'avro'): RouteSettings[] {
  const kafkaTopic = `test-${randomUUID()}`;
  return defaultRoutes.map((route) => ({ ...route, kafkaTopic, ...(route.format === 'raw' ? {} : { valueFormat }) }));
}

const avro = (subject: string, definition: string) => ({ subject, type: 'AVRO', definition }) as const;
/** Obtains as a gateway does with the default settings. */
const obtain = (schemas: readonly RecordSchema[], register = true) =>
  obtainSchemas(client, schemas, { register, compatibility: 'BACKWARD', setCompatibility: false });
const definition = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });

describe('with a real registry', () => {
  it('a record is decoded with nothing but the schema that its value names', async () => {
    const routes = routesOfOwn();
    const contracts = loadContracts({ routes });
    const codecs = contracts.codecs(await obtain(contracts.schemas));
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
    const ids = await obtain(schemas);
    for (const { subject, definition } of schemas) {
      expect(await client.schemaById(ids.get(subject)?.id as number)).toBe(definition);
      expect(await client.versions(subject, 'latest')).toEqual([{ version: 1, type: 'AVRO', definition }]);
    }
    expect(await obtain(schemas, false)).toEqual(ids);
    expect(await obtain(schemas)).toEqual(ids);
  });

  it('an evolved schema is registered beside the old one, an incompatible one is not', async () => {
    const subject = `test-${randomUUID()}`;
    const a = { name: 'a', type: 'int' };
    const first = avro(subject, definition(a));
    const evolved = avro(subject, definition(a, { name: 'b', type: 'int', default: 0 }));
    const [oldId] = (await obtain([first])).values();
    const [newId] = (await obtain([evolved])).values();
    expect(newId?.id).not.toBe(oldId?.id);
    expect(await client.schemaById(oldId?.id as number)).toBe(first.definition);
    const broken = avro(subject, definition(a, { name: 'c', type: 'int' }));
    await expect(obtain([broken])).rejects.toMatchObject({ code: 'schema_incompatible' });
    expect((await client.versions(subject, 'all')).map((each) => each.definition)).toEqual([
      first.definition,
      evolved.definition,
    ]);
  });

  it('several gateways that start at once all get the same id', async () => {
    const schema = avro(`test-${randomUUID()}`, definition({ name: 'a', type: 'int' }));
    const starts = Array.from({ length: 5 }, () => obtain([schema]));
    const ids = (await Promise.all(starts)).map((each) => each.get(schema.subject)?.id);
    expect(new Set(ids).size).toBe(1);
  });

  it('what is unknown or invalid is told apart', async () => {
    const subject = `test-${randomUUID()}`;
    await expect(client.schemaById(2_000_000_000)).rejects.toMatchObject({ code: 'schema_not_found' });
    expect(await client.versions(subject, 'latest')).toEqual([]);
    expect(await client.lookUp(avro(subject, '"int"'))).toBeUndefined();
    const invalid = avro(subject, '{"type":"nope"}');
    await expect(client.register(invalid)).rejects.toMatchObject({ code: 'schema_invalid' });
    expect(await client.objections(avro(subject, '"int"'))).toEqual([]);
  });

  it.each(['avro', 'protobuf'] as const)(
    'an independent deserializer reads values in the format %s',
    async (format) => {
      const routes = routesOfOwn(format);
      const contracts = loadContracts({ routes });
      const pipeline = createPipeline({
        ...defaultOptions,
        routes,
        codecs: contracts.codecs(await obtain(contracts.schemas)),
      });
      const sink = new TestSink();
      const single = new TestPublish({ payload: telemetry() });
      expect(pipeline.run(single, sink)).toBeUndefined();
      const items = [
        { ...report, sequence: 43 },
        { ...report, sequence: 44 },
      ];
      const payload = protobufBytes('VehicleTelemetryBatch', { items });
      const batch = new TestPublish({ topic: 'v1/vehicles/veh-7/telemetry/batch', payload });
      expect(pipeline.run(batch, sink)).toBeUndefined();
      const reader = independentReader(sharedServers().registryUrl);
      const read = await Promise.all(sink.records.map(({ value }) => reader.decode(value)));
      expect(read.map(({ sequence }) => Number(sequence))).toEqual([42, 43, 44]);
      expect(read[0]).toMatchObject({ vehicleId: 'veh-7', position: report.position, faultCodes: report.faultCodes });
      expect(sink.records.map(({ headers }) => headers['content-type'])).toEqual(
        Array(3).fill(`application/${format}`),
      );
    },
  );

  it('a .proto file is registered with what it imports, and both are found again', async () => {
    const { schemas } = loadContracts({ routes: routesOfOwn('protobuf') });
    const registered = await obtain(schemas);
    expect(await obtain(schemas, false)).toEqual(registered);
    expect([...registered.keys()]).toContain('mobility/telemetry/v1/common.proto');
  });

  it.each([
    ['BACKWARD', { name: 'c', type: 'int' }],
    ['FULL', { name: 'c', type: 'int' }],
  ] as const)('holds a subject to the mode %s itself, once it was set there', async (mode, added) => {
    const subject = `test-${randomUUID()}`;
    const a = { name: 'a', type: 'int' };
    const settings = { register: true, compatibility: mode, setCompatibility: true } as const;
    await obtainSchemas(client, [avro(subject, definition(a))], settings);
    expect(await client.mode(subject)).toBe(mode);
    const broken = avro(subject, definition(a, added));
    expect(await client.objections(broken)).not.toEqual([]);
    await expect(client.register(broken)).rejects.toMatchObject({ code: 'schema_incompatible' });
    await obtainSchemas(client, [avro(subject, definition(a))], { ...settings, compatibility: 'FORWARD_TRANSITIVE' });
    expect(await client.mode(subject)).toBe('FORWARD_TRANSITIVE');
  });
});
