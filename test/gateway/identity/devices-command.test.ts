import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../../gateway/identity/authenticator.ts';
import { RegistryFolder } from './devices.ts';
import { verifyOnThreads } from './hashing.ts';

const command = resolve(import.meta.dirname, '../../../gateway/identity/devices-command.ts');
const cheap = ['--scrypt-cost', '16'];

let folder: RegistryFolder;
let database: string;
beforeEach(() => {
  folder = new RegistryFolder();
  database = folder.file();
});
afterEach(() => folder[Symbol.dispose]());

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};
const onDatabase = (...args: string[]) => run(...args, '--database', database);

const add = (deviceId: string): string => {
  const { status, stdout } = onDatabase(
    'add',
    deviceId,
    '--kind',
    'vehicle',
    '--bound-to',
    `veh-${deviceId}`,
    ...cheap,
  );
  expect(status).toBe(0);
  return stdout.trim();
};

/** What the gateway would say to these credentials now. */
const connect = async (username: string, password: string) => {
  const authenticator = new Authenticator({
    verifySecret: verifyOnThreads,
    registry: folder.open(),
    cache: { maxEntries: 10, ttlSeconds: 60 },
    hashConcurrency: 1,
    hashQueueMax: 10,
    observer: { authenticated: () => {}, refused: () => {}, bannedVerified: () => {}, registryFailed: () => {} },
  });
  const result = await authenticator.authenticate({
    username,
    password: Buffer.from(password),
    clientId: 'c',
    listener: 'l',
    auth: 'registry',
    accepts: 'secret',
  });
  return 'refused' in result ? result.refused : result.identity;
};

const list = (...args: string[]): { deviceId: string; enabled: boolean; rotatedAt: string | null }[] =>
  onDatabase('list', '--json', ...args)
    .stdout.trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { deviceId: string; enabled: boolean; rotatedAt: string | null });

const csv = (...lines: string[]): string => {
  const file = folder.file('import.csv');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
};

describe('devices add', () => {
  it('prints a secret once, with which the device gets in', async () => {
    const secret = add('d-1');
    expect(secret).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(await connect('d-1', secret)).toEqual({ deviceId: 'd-1', kind: 'vehicle', boundTo: 'veh-d-1' });
    expect(readFileSync(database).includes(secret)).toBe(false);
    expect(onDatabase('list', '--json').stdout).not.toContain('scrypt');
  });

  it('prints JSON where asked', () => {
    const { stdout } = onDatabase('add', 'd', '--kind', 'bay', '--bound-to', 'bay-1', '--json', ...cheap);
    expect(JSON.parse(stdout)).toEqual({ deviceId: 'd', secret: expect.any(String) });
  });

  it('refuses an id that is taken', () => {
    add('d');
    const { status, stdout, stderr } = onDatabase('add', 'd', '--kind', 'bay', '--bound-to', 'bay-1', ...cheap);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('device d is registered already');
  });

  it.each([
    ['an unknown option', ['add', 'd', '--kind', 'bay', '--bound-to', 'b', '--colour', 'red'], '--colour'],
    ['an unknown kind', ['add', 'd', '--kind', 'bus', '--bound-to', 'b'], 'vehicle, bay'],
    ['no kind', ['add', 'd', '--bound-to', 'b'], '--kind'],
    ['no binding', ['add', 'd', '--kind', 'bay'], '--bound-to'],
    ['an id that can be no topic level', ['add', 'a/b', '--kind', 'bay', '--bound-to', 'b'], '1 to 128'],
    ['an argument too many', ['add', 'd', 'e', '--kind', 'bay', '--bound-to', 'b'], 'too many'],
    ['a hostile cost', ['add', 'd', '--kind', 'bay', '--bound-to', 'b', '--scrypt-cost', '1048576'], 'power of two'],
    ['a command that does not exist', ['destroy'], 'destroy'],
  ])('refuses %s and touches nothing', (_what, args, problem) => {
    const { status, stderr } = onDatabase(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(problem);
    expect(existsSync(database)).toBe(false);
  });
});

describe('devices disable, enable, rotate, remove', () => {
  it('take effect with the next connect', async () => {
    const first = add('d');
    expect(onDatabase('disable', 'd').status).toBe(0);
    expect(await connect('d', first)).toBe('not_authorized');
    expect(onDatabase('enable', 'd').status).toBe(0);
    expect(await connect('d', first)).toMatchObject({ deviceId: 'd' });

    const second = onDatabase('rotate', 'd', ...cheap).stdout.trim();
    expect(await connect('d', first)).toBe('bad_credentials');
    expect(await connect('d', second)).toMatchObject({ deviceId: 'd' });
    expect(list()[0]?.rotatedAt).toMatch(/^\d{4}-/);

    expect(onDatabase('remove', 'd').status).toBe(0);
    expect(await connect('d', second)).toBe('bad_credentials');
  });

  it.each(['disable', 'enable', 'rotate', 'remove'])('%s refuses a device that does not exist', (name) => {
    add('somebody');
    const { status, stderr } = onDatabase(name, 'nobody');
    expect(status).toBe(1);
    expect(stderr).toContain('there is no device nobody');
  });
});

describe('devices change', () => {
  const fingerprint = 'AB:'.repeat(31).concat('AB');

  it('changes what it is told and leaves the rest', () => {
    const at = ['--kind', 'vehicle', '--bound-to', 'veh-1', '--group', 'night', '--group', 'depot'];
    expect(onDatabase('add', 'd', ...at, '--fingerprint', fingerprint, ...cheap).status).toBe(0);
    const first = { kind: 'vehicle', boundTo: 'veh-1', groups: ['depot', 'night'] };
    expect(list()[0]).toMatchObject({ ...first, certificateFingerprint: 'ab'.repeat(32) });
    expect(onDatabase('change', 'd', '--bound-to', 'bay-1', '--kind', 'bay', '--no-fingerprint').status).toBe(0);
    const second = { kind: 'bay', boundTo: 'bay-1', groups: ['depot', 'night'], certificateFingerprint: null };
    expect(list('--group', 'night')).toMatchObject([second]);
    expect(onDatabase('change', 'd', '--group', 'day').status).toBe(0);
    expect(list('--group', 'night')).toEqual([]);
    expect(onDatabase('change', 'd', '--no-groups').status).toBe(0);
    expect(list()[0]).toMatchObject({ groups: [] });
  });

  it.each([
    ['no change', [], 2, 'nothing to change'],
    ['a fingerprint that is none', ['--fingerprint', 'abc'], 2, '64 hexadecimal digits'],
    ['a group that can be none', ['--group', 'a b'], 2, 'at most 32 names'],
    ['a group and none', ['--group', 'a', '--no-groups'], 2, 'contradict'],
    ['a device that does not exist', ['--bound-to', 'v'], 1, 'there is no device nobody'],
  ])('refuses %s', (_what, args, code, problem) => {
    add('somebody');
    const { status, stderr } = onDatabase('change', 'nobody', ...args);
    expect([status, stderr]).toEqual([code, expect.stringContaining(problem)]);
  });
});

describe('devices list', () => {
  it('shows a table for people', () => {
    add('d-1');
    const { stdout } = onDatabase('list');
    expect(stdout.split('\n')[0]).toMatch(/^DEVICE +KIND +BOUND TO +ENABLED/);
    expect(stdout).toMatch(/^d-1 +vehicle +veh-d-1 +yes/m);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `dev-${i},vehicle,v-${i},secret`);
    expect(onDatabase('import', csv('device_id,kind,bound_to,secret', ...rows), ...cheap).status).toBe(0);
    const child = spawn(process.execPath, [command, 'list', '--json', '--database', database], { stdio: 'pipe' });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'exit')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('devices import', () => {
  it('adds all rows and writes generated secrets to a file of their own', async () => {
    const secrets = folder.file('secrets.csv');
    const file = csv(
      'device_id,kind,bound_to,secret,enabled',
      'd-1,vehicle,veh-1,given-secret,',
      'd-2,bay,bay-1,,true',
      '"d-3",bay,bay-2,,false',
    );
    const { status, stdout } = onDatabase('import', file, '--secrets-out', secrets, ...cheap);
    expect([status, stdout]).toEqual([0, '3 devices added\n']);
    expect(statSync(secrets).mode & 0o777).toBe(0o600);
    const lines = readFileSync(secrets, 'utf8').trim().split('\n');
    expect(lines[0]).toBe('device_id,secret');
    const written = new Map(lines.slice(1).map((line) => line.split(',') as [string, string]));
    expect([...written.keys()].sort()).toEqual(['d-2', 'd-3']);
    expect(await connect('d-1', 'given-secret')).toMatchObject({ boundTo: 'veh-1' });
    expect(await connect('d-2', written.get('d-2') ?? '')).toMatchObject({ kind: 'bay', boundTo: 'bay-1' });
    expect(await connect('d-3', written.get('d-3') ?? '')).toBe('not_authorized');
  });

  it('takes groups and fingerprints, and refuses what is none', () => {
    const columns = 'device_id,kind,bound_to,secret,groups,certificate_fingerprint';
    const good = csv(columns, `d,bay,b,s,night depot,${'AB'.repeat(32)}`, 'e,bay,b,s,,');
    expect(onDatabase('import', good, ...cheap).status).toBe(0);
    expect(list()).toMatchObject([
      { groups: ['depot', 'night'], certificateFingerprint: 'ab'.repeat(32) },
      { groups: [], certificateFingerprint: null },
    ]);
    const wrong = onDatabase('import', csv(columns, 'x,bay,b,s,a/b,', 'y,bay,b,s,,abc'), ...cheap);
    expect(wrong.stderr).toContain('line 2: groups "a/b" are not at most 32 names');
    expect(wrong.stderr).toContain('line 3: certificate_fingerprint "abc" is not the SHA-256');
    expect(wrong.status).toBe(1);
  });

  it('reads standard input', () => {
    const input = 'device_id,kind,bound_to,secret\nd,bay,b,secret\n';
    const args = [command, 'import', '-', '--database', database, ...cheap];
    expect(spawnSync(process.execPath, args, { input, encoding: 'utf8' }).stdout).toBe('1 devices added\n');
    expect(list().map(({ deviceId }) => deviceId)).toEqual(['d']);
  });

  const header = 'device_id,kind,bound_to,secret,enabled';
  const fine = 'fine,vehicle,v,secret,';
  it.each([
    ['an unknown kind', [header, fine, 'd,bus,b,s,'], 'line 3: kind "bus"'],
    ['a device twice', [header, fine, fine], 'line 3: device fine stands in this import before'],
    ['a device behind an empty line', [header, fine, '', 'd,bus,b,s,'], 'line 4: kind "bus"'],
    ['an enabled that is no boolean', [header, fine, 'd,bay,b,s,yes'], 'line 3: enabled "yes"'],
    ['a row that is too short', [header, fine, 'd,bay'], 'line 3'],
    ['a quote that never ends', [header, fine, 'd,bay,b,"s,'], 'nothing was added'],
    ['no secret and nowhere to write one', [header, fine, 'd,bay,b,,'], 'line 3: the row has no secret'],
    ['a column missing', ['device_id,kind,secret', 'd,bay,s'], 'column bound_to is missing'],
    ['a column too many', [`${header},colour`, 'd,bay,b,s,,red'], 'column "colour" is unknown'],
  ])('adds nothing when it finds %s', (_what, lines, problem) => {
    const { status, stderr } = onDatabase('import', csv(...lines), ...cheap);
    expect(stderr).toContain(problem);
    expect(stderr).toContain('nothing was added');
    expect(status).toBe(1);
    expect(list()).toEqual([]);
  });

  it('leaves no file of secrets behind when it fails, and never overwrites one', () => {
    const secrets = folder.file('secrets.csv');
    const failed = onDatabase('import', csv(header, 'd,bay,b,,', 'e,bus,b,,'), '--secrets-out', secrets, ...cheap);
    expect(failed.status).toBe(1);
    expect(existsSync(secrets)).toBe(false);

    writeFileSync(secrets, 'precious');
    expect(onDatabase('import', csv(header, 'd,bay,b,,'), '--secrets-out', secrets, ...cheap).status).toBe(2);
    expect(readFileSync(secrets, 'utf8')).toBe('precious');
    expect(list()).toEqual([]);
  });

  it('names every row that is wrong, and counts those beyond the first twenty', () => {
    const wrong = ['a,bus,b,s,', 'b,bay,b,s,yes', 'c,bay', 'd,bay,b,,', 'fine,bay,b,s,'];
    const { status, stderr } = onDatabase('import', csv(header, fine, ...wrong), ...cheap);
    expect(status).toBe(1);
    const lines = stderr.split('\n').filter((line) => line.includes('line '));
    expect(lines.map((line) => /line \d+/.exec(line)?.[0])).toEqual([3, 4, 5, 6, 7].map((line) => `line ${line}`));
    const many = onDatabase('import', csv(header, ...Array<string>(23).fill('a,bus,b,s,')), ...cheap);
    expect(many.stderr).toContain('line 21: kind "bus"');
    expect(many.stderr).not.toContain('line 22');
    expect(many.stderr).toContain('… and 3 more');
  });

  it('names a file that is missing', () => {
    const { status, stderr } = onDatabase('import', 'missing.csv', ...cheap);
    expect(status).toBe(2);
    expect(stderr).toContain('cannot read missing.csv: ENOENT');
    expect(stderr).toContain(
      '; a CSV with the columns device_id,kind,bound_to[,secret][,enabled][,groups][,certificate_fingerprint] is needed',
    );
  });
});

describe('the registry of a command', () => {
  it('is that of the configuration, from its folder', () => {
    writeFileSync(folder.file('gateway.yaml'), 'identity: { databasePath: own.sqlite }\n');
    const args = ['add', 'd', '--kind', 'bay', '--bound-to', 'b', '--config', folder.file('gateway.yaml'), ...cheap];
    expect(run(...args).status).toBe(0);
    expect(existsSync(folder.file('own.sqlite'))).toBe(true);
  });

  it('is refused with the errors of a configuration that is wrong', () => {
    writeFileSync(folder.file('gateway.yaml'), 'identity: { databasePth: own.sqlite }\n');
    const { status, stderr } = run('list', '--config', folder.file('gateway.yaml'));
    expect(status).toBe(2);
    expect(stderr).toContain('identity.databasePth: there is no such setting; did you mean databasePath?');
  });

  it('is named when it cannot be opened', () => {
    const place = ['--kind', 'bay', '--bound-to', 'b', '--database', folder.file('missing/devices.sqlite')];
    const { status, stderr } = run('add', 'd', ...cheap, ...place);
    expect(status).toBe(1);
    expect(stderr).toContain('missing/devices.sqlite');
  });

  it.each([['list'], ['disable', 'd'], ['enable', 'd'], ['rotate', 'd'], ['remove', 'd']])(
    'is not made by a command that only shows or changes devices: %s',
    (...command) => {
      const file = folder.file('mistyped.sqlite');
      const { status, stderr } = run(...command, '--database', file);
      expect(status).toBe(1);
      expect(stderr).toContain(`device registry ${file}: no such file`);
      expect(existsSync(file)).toBe(false);
    },
  );

  it('needs no options to explain itself', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    for (const name of ['add', 'import', 'list', 'change', 'disable', 'enable', 'rotate', 'remove'])
      expect(stdout).toContain(name);
  });
});
