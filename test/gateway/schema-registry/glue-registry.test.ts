import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GlueRegistry } from '../../../gateway/schema-registry/glue-registry.ts';

type Answer = readonly [status: number, body: object | string];

const id = 'b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63';
const arn = 'arn:aws:glue:eu-central-1:1:schema/r/s';
const schema = { subject: 's', type: 'AVRO', definition: '"int"' } as const;

let server: Server;
let asked: { readonly action: string; readonly body: Record<string, unknown> }[];
beforeEach(() => {
  asked = [];
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Answers actions of Glue as it is told, in order; the last answer repeats. */
async function registryWith(answers: Readonly<Record<string, readonly Answer[]>>): Promise<GlueRegistry> {
  const given = new Map<string, number>();
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).replace('AWSGlue.', '');
      asked.push({ action, body: JSON.parse(body) as Record<string, unknown> });
      const count = given.get(action) ?? 0;
      given.set(action, count + 1);
      const known = answers[action];
      const [status, content] = known?.[Math.min(count, known.length - 1)] ?? [
        400,
        { __type: 'EntityNotFoundException' },
      ];
      response
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        .end(typeof content === 'string' ? content : JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new GlueRegistry({ region: 'eu-central-1', registryName: 'r', endpoint, timeoutMs: 3000 });
}

describe('a registry in AWS Glue', () => {
  it('waits until a version has been checked', async () => {
    const registry = await registryWith({
      GetSchema: [[200, { SchemaArn: arn }]],
      RegisterSchemaVersion: [[200, { SchemaVersionId: id, Status: 'PENDING' }]],
      GetSchemaVersion: [
        [200, { SchemaVersionId: id, Status: 'PENDING' }],
        [200, { SchemaVersionId: id, Status: 'AVAILABLE' }],
      ],
    });
    expect(await registry.register(schema, 'BACKWARD')).toEqual({ registry: 'glue', id, uri: `${arn}#${id}` });
    expect(asked.map(({ action }) => action)).toEqual([
      'GetSchema',
      'RegisterSchemaVersion',
      'GetSchemaVersion',
      'GetSchemaVersion',
    ]);
  });

  it('takes a version that failed its check for incompatible', async () => {
    const registry = await registryWith({
      GetSchema: [[200, { SchemaArn: arn }]],
      RegisterSchemaVersion: [[200, { SchemaVersionId: id, Status: 'FAILURE' }]],
    });
    await expect(registry.register(schema, 'BACKWARD')).rejects.toMatchObject({ code: 'schema_incompatible' });
  });

  it.each([
    ['failed its check', [[200, { SchemaArn: arn, SchemaVersionId: id, Status: 'FAILURE' }]], []],
    [
      'fails the check that is under way',
      [[200, { SchemaArn: arn, SchemaVersionId: id, Status: 'PENDING' }]],
      [[200, { SchemaVersionId: id, Status: 'FAILURE' }]],
    ],
    ['is being deleted', [[200, { SchemaArn: arn, SchemaVersionId: id, Status: 'DELETING' }]], []],
  ] as [string, Answer[], Answer[]][])('does not take a version for registered that %s', async (_, found, checked) => {
    const registry = await registryWith({ GetSchemaByDefinition: found, GetSchemaVersion: checked });
    expect(await registry.lookUp(schema)).toBeUndefined();
  });

  it('creates the schema of a new subject with the mode, in the words of Glue', async () => {
    const created = { SchemaArn: arn, SchemaVersionId: id, SchemaVersionStatus: 'AVAILABLE' };
    const registry = await registryWith({ CreateSchema: [[200, created]] });
    await registry.register(schema, 'FULL_TRANSITIVE');
    expect(asked.at(-1)).toEqual({
      action: 'CreateSchema',
      body: {
        RegistryId: { RegistryName: 'r' },
        SchemaName: 's',
        DataFormat: 'AVRO',
        Compatibility: 'FULL_ALL',
        SchemaDefinition: '"int"',
      },
    });
  });

  it('reads and sets modes', async () => {
    const registry = await registryWith({
      GetSchema: [
        [200, { Compatibility: 'FORWARD_ALL' }],
        [200, { Compatibility: 'DISABLED' }],
      ],
      UpdateSchema: [[200, {}]],
    });
    expect(await registry.mode('s')).toBe('FORWARD_TRANSITIVE');
    expect(await registry.mode('s')).toBeUndefined();
    await registry.setMode('s', 'BACKWARD_TRANSITIVE');
    expect(asked.at(-1)?.body).toMatchObject({
      Compatibility: 'BACKWARD_ALL',
      SchemaVersionNumber: { LatestVersion: true },
    });
  });

  it('lists available versions only, over several pages', async () => {
    const registry = await registryWith({
      ListSchemaVersions: [
        [200, { Schemas: [{ VersionNumber: 2, Status: 'AVAILABLE' }], NextToken: 'more' }],
        [
          200,
          {
            Schemas: [
              { VersionNumber: 3, Status: 'FAILURE' },
              { VersionNumber: 1, Status: 'AVAILABLE' },
            ],
          },
        ],
      ],
      GetSchemaVersion: [
        [200, { VersionNumber: 1, SchemaDefinition: '"int"', DataFormat: 'AVRO' }],
        [200, { VersionNumber: 2, SchemaDefinition: '"long"', DataFormat: 'AVRO' }],
      ],
    });
    expect(await registry.versions('s', 'all')).toEqual([
      { version: 1, type: 'AVRO', definition: '"int"' },
      { version: 2, type: 'AVRO', definition: '"long"' },
    ]);
  });

  it.each<[string, Answer, string]>([
    ['refused credentials', [400, { __type: 'UnrecognizedClientException' }], 'registry_refused'],
    ['missing rights', [400, { __type: 'AccessDeniedException' }], 'registry_refused'],
    ['too many requests', [400, { __type: 'ThrottlingException' }], 'registry_unavailable'],
    ['a failure of the service', [500, { __type: 'InternalServiceException' }], 'registry_unavailable'],
    ['an invalid schema', [400, { __type: 'InvalidInputException' }], 'schema_invalid'],
    ['another refusal', [400, { __type: 'OperationTimeoutException' }], 'unexpected_response'],
    ['an answer without an id', [200, {}], 'unexpected_response'],
    ['a proxy that has no way to it', [502, '<html>'], 'registry_unavailable'],
  ])('tells %s from other failures', async (_, answer, code) => {
    const registry = await registryWith({ GetSchemaByDefinition: [answer] });
    await expect(registry.lookUp(schema)).rejects.toMatchObject({ code, name: 'SchemaRegistryError' });
  });
});
