import { randomUUID } from 'node:crypto';
import { CreateRegistryCommand, GlueClient } from '@aws-sdk/client-glue';
import avsc from 'avsc';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RecordSchema } from '../../../gateway/core/codec.ts';
import type { CompatibilityMode } from '../../../gateway/schema-registry/compatibility.ts';
import { GlueRegistry } from '../../../gateway/schema-registry/glue-registry.ts';
import { obtainSchemas } from '../../../gateway/schema-registry/obtain-schemas.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { gatewaySettings } from '../../support/gateway-settings.ts';
import { readTopic } from '../../support/kafka-reader.ts';
import { type MotoServer, startMoto } from '../../support/moto/moto-server.ts';
import { sharedServers } from '../../support/servers.ts';
import { telemetryPayload } from '../../support/telemetry.ts';

/** By the names of AWS's default chain; the emulation takes any. */
const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
const region = 'eu-central-1';
const registryName = 'fleet';

let moto: MotoServer;
let registry: GlueRegistry;
beforeAll(async () => {
  for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
  moto = await startMoto();
  const admin = new GlueClient({ region, endpoint: moto.endpoint });
  await admin.send(new CreateRegistryCommand({ RegistryName: registryName }));
  admin.destroy();
  registry = new GlueRegistry({ region, registryName, endpoint: moto.endpoint, timeoutMs: 20_000 });
}, 600_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto?.[Symbol.asyncDispose]();
});

const a = { name: 'a', type: 'int' };
const avro = (subject: string, ...fields: object[]): RecordSchema => ({
  subject,
  type: 'AVRO',
  definition: JSON.stringify({ type: 'record', name: 'R', fields }),
});
const obtain = (schema: RecordSchema, compatibility: CompatibilityMode = 'BACKWARD') =>
  obtainSchemas(registry, [schema], { register: true, compatibility, setCompatibility: false });

/** moto, not AWS: what AWS checks by itself, moto takes; and it has no list of versions. */
describe("with an emulation of AWS Glue's schema registry", () => {
  it('a schema is registered once and found again, under the id of its version', async () => {
    const schema = avro(`s-${randomUUID()}`, a);
    expect(await registry.lookUp(schema)).toBeUndefined();
    expect(await registry.versions(schema.subject, 'latest')).toEqual([]);
    const registered = (await obtain(schema)).get(schema.subject);
    expect(registered).toEqual({
      registry: 'glue',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      uri: `arn:aws:glue:${region}:123456789012:schema/${registryName}/${schema.subject}#${registered?.id}`,
    });
    expect((await obtain(schema)).get(schema.subject)).toEqual(registered);
    expect(await registry.versions(schema.subject, 'latest')).toEqual([
      { version: 1, type: 'AVRO', definition: schema.definition },
    ]);
    expect(await registry.mode(schema.subject)).toBe('BACKWARD');
  });

  it('a compatible version is registered beside the old one, an incompatible one is not', async () => {
    const subject = `s-${randomUUID()}`;
    await obtain(avro(subject, a));
    await obtain(avro(subject, a, { name: 'b', type: 'int', default: 0 }));
    await expect(obtain(avro(subject, a, { name: 'c', type: 'int' }))).rejects.toMatchObject({
      code: 'schema_incompatible',
      message: expect.stringContaining('R.c: the reader needs this field'),
    });
    expect(await registry.versions(subject, 'latest')).toMatchObject([{ version: 2 }]);
  });

  it('a registry that is not there is named', async () => {
    const elsewhere = new GlueRegistry({ region, registryName: 'none', endpoint: moto.endpoint, timeoutMs: 20_000 });
    await expect(elsewhere.register(avro('s', a), 'BACKWARD')).rejects.toMatchObject({
      code: 'schema_not_found',
      message: expect.stringContaining('"none"'),
    });
  });

  it('an emulation that is gone counts as a registry that does not answer', async () => {
    const gone = new GlueRegistry({ region, registryName, endpoint: 'http://127.0.0.1:9', timeoutMs: 5000 });
    await expect(gone.lookUp(avro('s', a))).rejects.toMatchObject({ code: 'registry_unreachable' });
  });

  it('a gateway frames its records by the UUID of the version, and names it in dataschema', async () => {
    const { bootstrap, registryUrl } = sharedServers();
    const { settings, eventsTopic } = gatewaySettings({
      ...{ bootstrap, registryUrl, auth: 'anonymous' },
      sections: { schemaRegistry: { type: 'glue', glue: { region, registryName, endpoint: moto.endpoint } } },
    });
    await using gateway = await GatewayProcess.start(settings, credentials);
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, { clientId: 'unit' });
    await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', 5), { qos: 1 });
    await client.endAsync();
    const [record] = await readTopic(bootstrap, eventsTopic);
    const value = record?.value as Buffer;
    expect([...value.subarray(0, 2)]).toEqual([3, 0]);
    const subject = `${eventsTopic}-com.mobilitycorp.telemetry.v1.VehicleTelemetry`;
    const [version] = await registry.versions(subject, 'latest');
    const id = value.subarray(2, 18).toString('hex');
    expect(record?.headers.ce_dataschema?.replaceAll('-', '')).toContain(`#${id}`);
    const type = avsc.Type.forSchema(JSON.parse(version?.definition as string), { wrapUnions: false });
    expect(type.fromBuffer(value.subarray(18))).toMatchObject({ vehicleId: 'veh-1', sequence: 5 });
  });
});
