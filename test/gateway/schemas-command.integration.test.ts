import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { RegistryClient } from '../../gateway/schema-registry/registry-client.ts';
import { sharedServers } from '../support/servers.ts';

const program = join(import.meta.dirname, '../../gateway/schemas-command/main.ts');
const { registryUrl } = sharedServers();

let folder: string;
/** Of this test: the folder of the .proto file, and the topic. */
let name: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schemas-'));
  name = `t${randomUUID().slice(0, 8)}`;
});
afterEach(() => rm(folder, { recursive: true }));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as people do. */
function schemas(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const figures = ({ out }: Run): object => JSON.parse(out.trim().split('\n').at(-1) as string) as object;

/** An operator's own contract: Protobuf fields, and places of the Avro record. */
async function contract(fields: string, places: readonly object[], registry: object = {}): Promise<string> {
  await mkdir(join(folder, name), { recursive: true });
  const proto = `syntax = "proto3"; package ${name}; message Door { ${fields} }`;
  await writeFile(join(folder, name, 'door.proto'), proto);
  await writeFile(join(folder, 'door.avsc'), JSON.stringify({ type: 'record', name: 'Door', fields: places }));
  const settings = {
    protoPaths: ['.'],
    schemaPaths: ['.'],
    routes: [
      {
        pattern: 'acme/{vehicleId}/door',
        format: 'protobuf',
        message: `${name}.Door`,
        schema: 'door.avsc',
        kafkaTopic: name,
        key: 'topic:vehicleId',
        deviceKind: 'vehicle',
        subject: 'vehicleId',
        eventType: 'door',
      },
    ],
    alerts: { enabled: false },
    schemaRegistry: { url: registryUrl, ...registry },
  };
  const config = join(folder, 'gateway.yaml');
  await writeFile(config, stringify(settings));
  return config;
}

const open = { name: 'open', type: 'boolean' };

describe('npm run schemas', () => {
  it('tells what is new, registers it once, and finds it registered from then on', async () => {
    const config = await contract('bool open = 1;', [open]);
    const first = await schemas('check', '--config', config);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(`+ ${name}-Door (AVRO): not registered yet`);
    expect(first.out).toContain(`+ ${name}/door.proto (PROTOBUF): not registered yet`);
    expect(figures(first)).toMatchObject({ action: 'check', first: 2, registered: 0, newlyRegistered: 0 });
    expect(figures(await schemas('register', '--config', config))).toMatchObject({ newlyRegistered: 2 });
    const again = await schemas('register', '--config', config);
    expect(figures(again)).toMatchObject({ registered: 2, newlyRegistered: 0 });
    expect(again.out).toMatch(new RegExp(`= ${name}-Door \\(AVRO\\): registered, id \\d+`));
  });

  it('tells what breaks, where and for whom, and registers nothing of it', async () => {
    await schemas('register', '--config', await contract('bool open = 1;', [open]));
    const places = [
      { ...open, type: 'string' },
      { name: 'owner', type: 'string' },
    ];
    const config = await contract('string open = 1; string owner = 2;', places);
    for (const action of ['check', 'register']) {
      const { code, out } = await schemas(action, '--config', config);
      expect(code).toBe(1);
      expect(out).toContain(`! ${name}-Door (AVRO): INCOMPATIBLE`);
      expect(out).toContain(
        '    Door.open: the writer writes boolean, the reader expects string ' +
          '(a reader with this schema cannot read what version 1 wrote)',
      );
      expect(out).toContain('    Door.owner: the reader needs this field, the writer does not write it');
      expect(out).toContain(`${name}.Door.open (1): the writer writes bool, the reader expects string`);
      expect(figures({ out } as Run)).toMatchObject({ incompatible: 2, newlyRegistered: 0 });
    }
    const client = new RegistryClient({ url: registryUrl, timeoutMs: 20_000 });
    expect(await client.versions(`${name}-Door`, 'all')).toHaveLength(1);
  });

  it('registers a compatible version, and has the registry hold the subject to the mode', async () => {
    await schemas('register', '--config', await contract('bool open = 1;', [open]));
    const places = [open, { name: 'owner', type: 'string', default: '' }];
    const registry = { setCompatibility: true };
    const config = await contract('bool open = 1; string owner = 2;', places, registry);
    const run = await schemas('register', '--config', config);
    expect(run.out).toContain(`~ ${name}-Door (AVRO): a new version, compatible`);
    expect(figures(run)).toMatchObject({ compatible: 2, newlyRegistered: 2 });
    const client = new RegistryClient({ url: registryUrl, timeoutMs: 20_000 });
    expect(await client.mode(`${name}-Door`)).toBe('BACKWARD');
    // From now on the registry has something to say, too.
    const broken = await contract('bool open = 1; string owner = 2; string by = 3;', [
      ...places,
      { name: 'by', type: 'string' },
    ]);
    const { code, out } = await schemas('check', '--config', broken);
    expect(code).toBe(1);
    expect(out).toMatch(/Door\.by: the reader needs this field[^\n]*\n\s+the registry says: \S/);
  });

  it('prints JSON only when asked to', async () => {
    const { out, code } = await schemas('check', '--json', '--config', await contract('bool open = 1;', [open]));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      compatibility: 'BACKWARD',
      subjects: [
        { subject: `${name}-Door`, type: 'AVRO', state: 'first', id: null, problems: [] },
        { subject: `${name}/door.proto`, type: 'PROTOBUF', state: 'first' },
      ],
    });
  });

  it('names schemas that no route writes', async () => {
    const config = await contract('bool open = 1;', [open]);
    await writeFile(join(folder, 'left.avsc'), '"int"');
    expect((await schemas('check', '--config', config)).out).toContain(
      `note: ${join(folder, 'left.avsc')}: no route writes it, so it has no subject`,
    );
  });

  it('ends with 1 when the registry does not answer, with 2 for what it cannot use', async () => {
    const down = await contract('bool open = 1;', [open], { url: 'http://127.0.0.1:9', timeoutMs: 1000 });
    expect(await schemas('check', '--config', down)).toMatchObject({ code: 1, err: expect.stringContaining(':9') });
    const mismatch = await contract('bool open = 1;', []);
    expect(await schemas('check', '--config', mismatch)).toMatchObject({
      code: 2,
      err: expect.stringContaining('Door.open has no field of the same name in the schema'),
    });
    expect(await schemas('check', '--config', join(folder, 'none.yaml'))).toMatchObject({ code: 2 });
    expect(await schemas('check', '--nonsense')).toMatchObject({ code: 2 });
    expect(await schemas()).toMatchObject({ code: 2 });
    expect(await schemas('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Exit codes') });
  });
});
