import { statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { DeviceRegistry } from '../../../gateway/identity/registry.ts';
import { DeviceRegistryError } from '../../../gateway/identity/registry-error.ts';
import { makeDevice, RegistryFolder } from './devices.ts';
import { storeSuite, Told } from './store-suite.ts';

storeSuite('the device registry in SQLite', async () => {
  const folder = new RegistryFolder();
  return { open: async () => folder.open(), [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() };
});

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeviceRegistryError) return error.code;
    throw error;
  }
  return 'none';
};

/** The tables as the first version made them. */
const firstVersion = `CREATE TABLE devices (device_id TEXT PRIMARY KEY, kind TEXT NOT NULL, bound_to TEXT NOT NULL,
  secret_hash TEXT NOT NULL, enabled INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, rotated_at_ms INTEGER) STRICT;
  INSERT INTO devices VALUES ('old', 'vehicle', 'veh-1', 'hash', 1, 5, NULL); PRAGMA user_version = 1`;

describe('the file of the device registry', () => {
  it('is read while another connection holds the write lock', async () => {
    using folder = new RegistryFolder();
    const gateway = folder.open();
    await gateway.add(await makeDevice('d', 'one'));
    using writer = new DatabaseSync(folder.file());
    writer.exec("BEGIN IMMEDIATE; UPDATE devices SET enabled = 0 WHERE device_id = 'd'");
    expect(await gateway.find('d')).toMatchObject({ enabled: true });
    writer.exec('COMMIT');
    expect(await gateway.find('d')).toMatchObject({ enabled: false });
  });

  it('says that it is busy when the write lock is held longer than the timeout', async () => {
    using folder = new RegistryFolder();
    folder.open();
    using writer = new DatabaseSync(folder.file());
    writer.exec('BEGIN IMMEDIATE');
    const impatient = DeviceRegistry.open(folder.file(), { busyTimeoutMs: 0 });
    expect(await codeOf(() => impatient.remove('d'))).toBe('registry_busy');
    writer.exec('ROLLBACK');
    await impatient.close();
  });

  it('can be read by its owner only', () => {
    using folder = new RegistryFolder();
    folder.open();
    expect(statSync(folder.file()).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a folder that does not exist', (folder: RegistryFolder) => folder.open('missing/devices.sqlite')],
    [
      'a file that is no database',
      (folder: RegistryFolder) => {
        writeFileSync(folder.file(), 'not a database, but long enough to be looked at '.repeat(50));
        folder.open();
      },
    ],
  ])('is named when it is %s', async (_what, open) => {
    using folder = new RegistryFolder();
    expect(await codeOf(() => open(folder))).toBe('registry_unopenable');
    expect(() => open(folder)).toThrow(folder.path);
  });

  it('is brought up from the first version, with its devices', async () => {
    using folder = new RegistryFolder();
    {
      using database = new DatabaseSync(folder.file());
      database.exec(firstVersion);
    }
    const registry = folder.open();
    const old = { deviceId: 'old', kind: 'vehicle', boundTo: 'veh-1', secretHash: 'hash', enabled: true };
    expect(await registry.find('old')).toMatchObject({ ...old, groups: [], revision: 0 });
    await registry.change('old', { enabled: false });
    expect(await registry.find('old')).toMatchObject({ enabled: false, revision: 1 });
  });

  it('of a newer version is left alone', async () => {
    using folder = new RegistryFolder();
    folder.open();
    using database = new DatabaseSync(folder.file());
    database.exec('PRAGMA user_version = 99');
    expect(await codeOf(() => folder.open())).toBe('registry_too_new');
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  });

  it('that fails is told once, and that it works again', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    using saboteur = new DatabaseSync(folder.file());
    const told = new Told();
    registry.watch(told);
    saboteur.exec('ALTER TABLE device_changes RENAME TO hidden');
    await expect.poll(() => told.seen, { timeout: 5000 }).toEqual(['resumed', 'lost: registry_failed']);
    saboteur.exec('ALTER TABLE hidden RENAME TO device_changes');
    await expect.poll(() => told.seen, { timeout: 5000 }).toEqual(['resumed', 'lost: registry_failed', 'resumed']);
  });
});
