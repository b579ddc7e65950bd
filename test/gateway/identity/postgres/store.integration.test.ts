import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DevelopmentAuthority } from '../../../../certs/authority.ts';
import { Authenticator } from '../../../../gateway/identity/authenticator.ts';
import type { DeviceStore } from '../../../../gateway/identity/device-store.ts';
import { KnownDevices } from '../../../../gateway/identity/known-devices.ts';
import type { PostgresSettings } from '../../../../gateway/identity/postgres/connection.ts';
import { PostgresDeviceStore } from '../../../../gateway/identity/postgres/store.ts';
import { DeviceRegistryError } from '../../../../gateway/identity/registry-error.ts';
import { freePort } from '../../../support/free-port.ts';
import { TestPostgres } from '../../../support/postgres.ts';
import { relayTo } from '../../../support/relay.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { makeDevice } from '../devices.ts';
import { verifyOnThreads } from '../hashing.ts';
import { type SharedRegistry, storeSuite, Told } from '../store-suite.ts';

const settingsOf = (url: string, changes: Partial<PostgresSettings> = {}): PostgresSettings => ({
  url,
  password: '',
  passwordFile: '',
  tls: { enabled: false, caFile: '', certFile: '', keyFile: '' },
  maxConnections: 3,
  maxWaiting: 100,
  timeoutMs: 1000,
  ...changes,
});

const failureOf = async (work: Promise<unknown>): Promise<DeviceRegistryError> => {
  const error: unknown = await work.catch((reason: unknown) => reason);
  if (error instanceof DeviceRegistryError) return error;
  throw new Error(`no failure of the registry: ${String(error)}`);
};
const codeOf = async (work: Promise<unknown>): Promise<string> => (await failureOf(work)).code;

/** Keeps a table from being read until it is released. */
async function lockOf(url: string, table: string): Promise<AsyncDisposable & { release(): Promise<void> }> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  let isReleased = false;
  const release = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    await client.end();
  };
  return { release, [Symbol.asyncDispose]: release };
}

let folder: string;
let authority: DevelopmentAuthority;
let postgres: TestPostgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-store-'));
  authority = await DevelopmentAuthority.create(join(folder, 'authority'));
  postgres = await TestPostgres.start({ tls: await authority.issue({ kind: 'server', name: '127.0.0.1', days: 1 }) });
});
afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

storeSuite('the device registry in PostgreSQL', async (): Promise<SharedRegistry> => {
  const url = await postgres.createDatabase();
  const stores: DeviceStore[] = [];
  return {
    open: async () => {
      const store = await PostgresDeviceStore.open(settingsOf(url), { make: true });
      stores.push(store);
      return store;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
});

describe('the tables in PostgreSQL', () => {
  it('are made once by many that start at the same time', async () => {
    const settings = settingsOf(await postgres.createDatabase(), { maxConnections: 1, timeoutMs: 5000 });
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => PostgresDeviceStore.open(settings, { make: true })),
    );
    await stores[0]?.add(await makeDevice('d', 's'));
    expect(await Promise.all(stores.map((store) => store.count()))).toEqual(Array(8).fill(1));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('are not made by who only looks', async () => {
    const url = await postgres.createDatabase();
    expect(await codeOf(PostgresDeviceStore.open(settingsOf(url), { make: false }))).toBe('registry_missing');
    expect(await postgres.query("SELECT to_regclass('edge_devices') AS made", url)).toEqual([{ made: null }]);
  });

  it('of a newer version are left alone', async () => {
    const url = await postgres.createDatabase();
    await (await PostgresDeviceStore.open(settingsOf(url), { make: true })).close();
    await postgres.query('UPDATE edge_device_registry SET version = 99', url);
    expect(await codeOf(PostgresDeviceStore.open(settingsOf(url), { make: true }))).toBe('registry_too_new');
    expect(await postgres.query('SELECT version FROM edge_device_registry', url)).toEqual([{ version: 99 }]);
  });

  it('need no privilege but to read them, once they are there', async () => {
    const url = await postgres.createDatabase();
    const owner = await PostgresDeviceStore.open(settingsOf(url), { make: true });
    await owner.add(await makeDevice('d', 's'));
    await postgres.query(
      `CREATE ROLE reader LOGIN PASSWORD 'reads';
       GRANT SELECT ON edge_devices, edge_device_changes, edge_device_registry TO reader`,
      url,
    );
    const readerUrl = new URL(url);
    readerUrl.username = 'reader';
    readerUrl.password = 'reads';
    const reader = await PostgresDeviceStore.open(settingsOf(readerUrl.href), { make: true });
    expect(await reader.find('d')).toMatchObject({ deviceId: 'd' });
    const told = new Told();
    reader.watch(told);
    await waitFor(() => told.seen.includes('resumed'), { deadlineMs: 5000, what: 'the watch' });
    await owner.remove('d');
    await waitFor(() => told.seen.includes('d'), { deadlineMs: 5000, what: 'the change' });
    expect(await codeOf(reader.remove('x'))).toBe('registry_refused');
    await Promise.all([owner.close(), reader.close()]);
  });

  it('are changed with the privileges that docs/security.md names', async () => {
    const url = await postgres.createDatabase();
    const owner = await PostgresDeviceStore.open(settingsOf(url), { make: true });
    await postgres.query(
      `CREATE ROLE administrator LOGIN PASSWORD 'changes';
       GRANT SELECT ON edge_devices, edge_device_changes, edge_device_registry TO administrator;
       GRANT INSERT, UPDATE, DELETE ON edge_devices TO administrator;
       GRANT INSERT, UPDATE ON edge_device_changes TO administrator;
       GRANT USAGE ON SEQUENCE edge_device_change_numbers TO administrator`,
      url,
    );
    const administratorUrl = new URL(url);
    administratorUrl.username = 'administrator';
    administratorUrl.password = 'changes';
    const administrator = await PostgresDeviceStore.open(settingsOf(administratorUrl.href), { make: true });
    expect(await administrator.add(await makeDevice('d', 's', { groups: ['a'] }))).toBe(true);
    expect(await administrator.change('d', { groups: ['b'] })).toMatchObject({ groups: ['a'] });
    expect(await administrator.rotate('d', 'h', 1)).toBe(true);
    expect(await administrator.remove('d')).toBe(true);
    await Promise.all([owner.close(), administrator.close()]);
  });
});

describe('the connection to PostgreSQL', () => {
  it('says what is wrong, and no password', async () => {
    const wrong = new URL(postgres.url());
    wrong.password = 'canary-password';
    const refused = await failureOf(PostgresDeviceStore.open(settingsOf(wrong.href), { make: true }));
    expect(refused.code).toBe('registry_refused');
    expect(`${refused.message} ${refused.stack}`).not.toContain('canary-password');
    const nowhere = settingsOf(`postgresql://u:canary-password@127.0.0.1:${await freePort()}/db`);
    const unreachable = await failureOf(PostgresDeviceStore.open(nowhere, { make: true }));
    expect(unreachable.code).toBe('registry_unreachable');
    expect(unreachable.message).not.toContain('canary-password');
    expect(await codeOf(PostgresDeviceStore.open(settingsOf(postgres.url('none')), { make: true }))).toBe(
      'registry_refused',
    );
  });

  it('takes the password of a file, anew for each connection', async () => {
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'wrong\n');
    const url = new URL(await postgres.createDatabase());
    url.password = '';
    const settings = settingsOf(url.href, { passwordFile });
    expect(await codeOf(PostgresDeviceStore.open(settings, { make: true }))).toBe('registry_refused');
    writeFileSync(passwordFile, `${postgres.password}\n`);
    const store = await PostgresDeviceStore.open(settings, { make: true });
    expect(await store.count()).toBe(0);
    await store.close();
    const missing = settingsOf(url.href, { passwordFile: join(folder, 'missing') });
    expect((await failureOf(PostgresDeviceStore.open(missing, { make: true }))).message).toContain('missing');
  });

  it('speaks TLS with a server whose certificate is right, and with no other', async () => {
    const url = await postgres.createDatabase();
    const tls = { enabled: true, caFile: authority.certFile, certFile: '', keyFile: '' };
    const store = await PostgresDeviceStore.open(settingsOf(url, { tls }), { make: true });
    const used = 'SELECT count(*)::int AS n FROM pg_stat_ssl WHERE ssl';
    await store.count();
    expect((await postgres.query<{ n: number }>(used))[0]?.n).toBeGreaterThan(0);
    await store.close();

    const stranger = await DevelopmentAuthority.create(join(folder, 'stranger'));
    const untrusting = settingsOf(url, { tls: { ...tls, caFile: stranger.certFile } });
    expect(await codeOf(PostgresDeviceStore.open(untrusting, { make: true }))).toBe('registry_unreachable');
    const otherName = new URL(url);
    otherName.hostname = 'localhost';
    const misnamed = settingsOf(otherName.href, { tls });
    expect(await codeOf(PostgresDeviceStore.open(misnamed, { make: true }))).toBe('registry_unreachable');
  });
});

describe('npm run devices', () => {
  it('works on PostgreSQL as on a file, and shows no password', async () => {
    const url = await postgres.createDatabase();
    const command = resolve(import.meta.dirname, '../../../../gateway/identity/devices-command.ts');
    const env = { ...process.env, EDGE_IDENTITY_STORE: 'postgres', EDGE_IDENTITY_POSTGRES_URL: url };
    const run = (...args: string[]) => spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8' });
    const missing = run('list');
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('this database holds none');
    expect(missing.stderr).not.toContain(postgres.password);
    const added = run('add', 'd', '--kind', 'bay', '--bound-to', 'b', '--group', 'g', '--scrypt-cost', '16');
    expect(added).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[A-Za-z0-9_-]{22}\n$/) });
    expect(run('change', 'd', '--bound-to', 'b-2').status).toBe(0);
    expect(run('disable', 'd').status).toBe(0);
    const listed = JSON.parse(run('list', '--group', 'g', '--json').stdout) as object;
    expect(listed).toMatchObject({ deviceId: 'd', boundTo: 'b-2', groups: ['g'], enabled: false });
  });
});

describe('a PostgreSQL that stands still', () => {
  it('is waited for until the timeout, by the first ones; the others are told at once, until it goes on', async () => {
    const url = await postgres.createDatabase();
    const store = await PostgresDeviceStore.open(settingsOf(url, { timeoutMs: 300 }), { make: true });
    await store.add(await makeDevice('d', 's'));
    await store.find('d');
    postgres.freeze();
    try {
      const first = await Promise.all(Array.from({ length: 10 }, () => codeOf(store.find('d'))));
      expect(new Set(first)).toEqual(new Set(['registry_timeout']));
      const startedAtMs = performance.now();
      const later = await Promise.all(Array.from({ length: 1000 }, () => codeOf(store.find('d'))));
      expect(new Set(later)).toEqual(new Set(['registry_timeout']));
      expect(performance.now() - startedAtMs).toBeLessThan(5000);
    } finally {
      postgres.thaw();
    }
    await waitFor(async () => (await store.find('d')) !== undefined, { deadlineMs: 10_000, what: 'the device' });
    await store.close();
  });

  it('lets no more wait than may', async () => {
    const url = await postgres.createDatabase();
    const settings = settingsOf(url, { maxConnections: 1, maxWaiting: 2, timeoutMs: 500 });
    const store = await PostgresDeviceStore.open(settings, { make: true });
    postgres.freeze();
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(store.find('d')))).finally(() =>
      postgres.thaw(),
    );
    expect(codes.filter((code) => code === 'registry_overloaded')).toHaveLength(2);
    await store.close();
  });
});

describe('a PostgreSQL of which more is asked than it can answer', () => {
  /** Each reading of a device takes so long, as on a disk that is slow. */
  const slowDown = (url: string, seconds: number) =>
    postgres.query(
      `ALTER TABLE edge_devices RENAME TO edge_devices_kept;
       CREATE VIEW edge_devices AS SELECT kept.* FROM edge_devices_kept AS kept, pg_sleep(${seconds})`,
      url,
    );

  it('is told from one that is away: who waits in vain hears that it is busy, and nobody is turned away unheard', async () => {
    const url = await postgres.createDatabase();
    const store = await PostgresDeviceStore.open(settingsOf(url, { maxConnections: 1 }), { make: true });
    await store.add(await makeDevice('d', 's'));
    await slowDown(url, 0.1);
    // Some ten of them are answered in time.
    const outcome = (error: unknown) => (error instanceof DeviceRegistryError ? error.code : String(error));
    const answers = Array.from({ length: 40 }, () => store.find('d').then(() => 'found', outcome));
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['found', 'registry_overloaded']));
    expect(await store.find('d')).toMatchObject({ deviceId: 'd' });
    await store.close();
  });

  it('is known to be there by the connection that listens, also when no reading is answered at all', async () => {
    const url = await postgres.createDatabase();
    const settings = settingsOf(url, { maxConnections: 1, timeoutMs: 2500 });
    const store = await PostgresDeviceStore.open(settings, { make: true });
    await store.add(await makeDevice('d', 's'));
    const told = new Told();
    store.watch(told);
    await waitFor(() => told.seen.includes('resumed'), { deadlineMs: 5000, what: 'the watch' });
    await using lock = await lockOf(url, 'edge_devices');
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(store.find('d'))));
    expect(new Set(codes)).toEqual(new Set(['registry_overloaded']));
    await lock.release();
    expect(await store.find('d')).toMatchObject({ deviceId: 'd' });
    expect(told.seen).toEqual(['resumed']);
    await store.close();
  });

  it('keeps no known device from connecting, and takes nobody else for wrong', async () => {
    const url = await postgres.createDatabase();
    const settings = settingsOf(url, { maxConnections: 1, maxWaiting: 5, timeoutMs: 500 });
    const store = await PostgresDeviceStore.open(settings, { make: true });
    for (const id of ['d', 'e']) await store.add(await makeDevice(id, 'right'));
    const known = new KnownDevices({ store, maxEntries: 10, ttlSeconds: 60, offlineGraceMs: 60_000 });
    known.becameCertain();
    const failures: string[] = [];
    const authenticator = new Authenticator({
      verifySecret: verifyOnThreads,
      registry: known,
      cache: { maxEntries: 10, ttlSeconds: 60 },
      hashConcurrency: 1,
      hashQueueMax: 10,
      observer: {
        authenticated: () => {},
        refused: () => {},
        bannedVerified: () => {},
        registryFailed: (code) => void failures.push(code),
      },
    });
    const logIn = (username: string) =>
      authenticator.authenticate({
        ...{ username, password: Buffer.from('right'), clientId: username, listener: 'l' },
        ...{ auth: 'registry', accepts: 'secret' },
      });
    expect(await logIn('d')).toHaveProperty('identity');
    await slowDown(url, 0.1);
    const storm = Promise.all(Array.from({ length: 50 }, () => logIn('e')));
    const back = Promise.all(Array.from({ length: 10 }, () => logIn('d')));
    for (const answer of await back) expect(answer).toHaveProperty('identity');
    const refusals = (await storm).flatMap((answer) => ('refused' in answer ? [answer.refused] : []));
    expect(new Set(refusals)).toEqual(new Set(['server_busy']));
    expect(new Set(failures)).toEqual(new Set(['registry_overloaded']));
    await store.close();
  });
});

describe('a connection whose transaction was given up', () => {
  it('is not lent to others, who would write into it', async () => {
    const url = await postgres.createDatabase();
    const other = await PostgresDeviceStore.open(settingsOf(url), { make: true });
    const relayed = new URL(url);
    relayed.port = String(await freePort());
    await using relay = await relayTo(new URL(url), Number(relayed.port));
    const settings = settingsOf(relayed.href, { maxConnections: 1, timeoutMs: 500 });
    const store = await PostgresDeviceStore.open(settings, { make: true });
    const device = await makeDevice('given-up', 's');
    {
      await using _lock = await lockOf(url, 'edge_devices');
      const given = codeOf(store.addAll([device]));
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT%'";
      await waitFor(async () => (await postgres.query(waiting, url)).length > 0, {
        ...{ deadlineMs: 5000, everyMs: 5, what: 'the transaction to be under way' },
      });
      // Neither the statement nor the end of its transaction is answered in time.
      relay.pause();
      expect(await given).toBe('registry_timeout');
    }
    relay.resume();
    expect(await store.add(await makeDevice('after', 's'))).toBe(true);
    expect(await other.find('after')).toMatchObject({ deviceId: 'after' });
    expect(await other.find('given-up')).toBeUndefined();
    await Promise.all([store.close(), other.close()]);
  });
});

describe('changes in PostgreSQL', () => {
  it('that were made while nobody listened are known of when somebody does again', async () => {
    const url = new URL(await postgres.createDatabase());
    const port = await freePort();
    const relay = await relayTo(url, port);
    const direct = await PostgresDeviceStore.open(settingsOf(url.href), { make: true });
    await direct.add(await makeDevice('d', 's'));
    const relayed = new URL(url);
    relayed.port = String(port);
    const store = await PostgresDeviceStore.open(settingsOf(relayed.href), { make: true });
    const told = new Told();
    store.watch(told);
    await waitFor(() => told.seen.includes('resumed'), { deadlineMs: 5000, what: 'the watch' });
    await relay[Symbol.asyncDispose]();
    await waitFor(() => told.seen.length === 2, { deadlineMs: 5000, what: 'the loss' });
    await direct.change('d', { enabled: false });
    await using _again = await relayTo(url, port);
    await waitFor(() => told.seen.length === 3, { deadlineMs: 5000, what: 'the watch to go on' });
    expect(told.seen).toEqual(['resumed', 'lost: registry_unreachable', 'resumed']);
    await direct.change('d', { enabled: true });
    await waitFor(() => told.seen.includes('d'), { deadlineMs: 5000, what: 'the change' });
    await Promise.all([direct.close(), store.close()]);
  });

  it('are found by their number when what is told does not arrive', async () => {
    const url = await postgres.createDatabase();
    const store = await PostgresDeviceStore.open(settingsOf(url), { make: true });
    await store.add(await makeDevice('d', 's'));
    const told = new Told();
    store.watch(told);
    await waitFor(() => told.seen.includes('resumed'), { deadlineMs: 5000, what: 'the watch' });
    // As with a pooler that keeps notifications to itself: the row changes, and nothing is told.
    const note = "INSERT INTO edge_device_changes VALUES ('d', nextval('edge_device_change_numbers'))";
    await postgres.query(note, url);
    await waitFor(() => told.seen.length === 2, { deadlineMs: 5000, what: 'the change to be found' });
    expect(told.seen).toEqual(['resumed', 'resumed']);
    await store.close();
  });

  it('that somebody makes up are not believed', async () => {
    const url = await postgres.createDatabase();
    const store = await PostgresDeviceStore.open(settingsOf(url), { make: true });
    await store.add(await makeDevice('d', 's'));
    const told = new Told();
    store.watch(told);
    await waitFor(() => told.seen.includes('resumed'), { deadlineMs: 5000, what: 'the watch' });
    for (const payload of ['', 'd', 'x d', ' d', '1e999 d']) {
      await postgres.query(`SELECT pg_notify('edge_device_changed', '${payload}')`, url);
    }
    await store.change('d', { enabled: false });
    await waitFor(() => told.seen.length > 1, { deadlineMs: 5000, what: 'the change' });
    expect(told.seen).toEqual(['resumed', 'd']);
    await store.close();
  });
});
