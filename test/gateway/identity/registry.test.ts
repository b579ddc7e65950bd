import { statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { DeviceRegistry } from '../../../gateway/identity/registry.ts';
import { DeviceRegistryError } from '../../../gateway/identity/registry-error.ts';
import { makeDevice, RegistryFolder } from './devices.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof DeviceRegistryError) return error.code;
    throw error;
  }
  return 'none';
};

describe('the device registry', () => {
  it('gives back what was added, also after it was opened again', async () => {
    using folder = new RegistryFolder();
    const bay = await makeDevice('b-1', 's', { kind: 'bay', enabled: false, rotatedAtMs: 7 });
    expect(folder.open().add(bay)).toBe(true);
    expect(folder.open().find('b-1')).toEqual(bay);
    expect(folder.open().find('b-2')).toBeUndefined();
  });

  it('refuses an id that is taken and changes nothing', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    const first = await makeDevice('d', 'one');
    registry.add(first);
    expect(registry.add(await makeDevice('d', 'two'))).toBe(false);
    expect(registry.find('d')).toEqual(first);
  });

  it('shows each change of another connection at once', async () => {
    using folder = new RegistryFolder();
    const gateway = folder.open();
    const command = folder.open();
    command.add(await makeDevice('d', 'one'));
    expect(gateway.find('d')?.enabled).toBe(true);
    command.setEnabled('d', false);
    expect(gateway.find('d')?.enabled).toBe(false);
    command.rotate('d', 'new-hash', 9);
    expect(gateway.find('d')).toMatchObject({ secretHash: 'new-hash', rotatedAtMs: 9 });
    command.remove('d');
    expect(gateway.find('d')).toBeUndefined();
  });

  it('is read while another connection holds the write lock', async () => {
    using folder = new RegistryFolder();
    const gateway = folder.open();
    gateway.add(await makeDevice('d', 'one'));
    using writer = new DatabaseSync(folder.file());
    writer.exec("BEGIN IMMEDIATE; UPDATE devices SET enabled = 0 WHERE device_id = 'd'");
    expect(gateway.find('d')?.enabled).toBe(true);
    writer.exec('COMMIT');
    expect(gateway.find('d')?.enabled).toBe(false);
  });

  it('says that it is busy when the write lock is held longer than the timeout', async () => {
    using folder = new RegistryFolder();
    folder.open();
    using writer = new DatabaseSync(folder.file());
    writer.exec('BEGIN IMMEDIATE');
    const impatient = DeviceRegistry.open(folder.file(), { busyTimeoutMs: 0 });
    expect(codeOf(() => impatient.remove('d'))).toBe('registry_busy');
    writer.exec('ROLLBACK');
    impatient.close();
  });

  it('reports changes of devices that do not exist', () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    expect([registry.setEnabled('d', true), registry.rotate('d', 'h', 1), registry.remove('d')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('lists in the order of the ids, by kind where asked', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    for (const [id, kind] of [
      ['c', 'bay'],
      ['a', 'vehicle'],
      ['b', 'vehicle'],
    ] as const) {
      registry.add(await makeDevice(id, 's', { kind }));
    }
    expect([...registry.list()].map(({ deviceId }) => deviceId)).toEqual(['a', 'b', 'c']);
    expect([...registry.list('bay')].map(({ deviceId }) => deviceId)).toEqual(['c']);
    expect(registry.count()).toBe(3);
  });

  it('makes a file that only its owner can read', () => {
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
  ])('names the file when it is %s', (_what, open) => {
    using folder = new RegistryFolder();
    expect(codeOf(() => open(folder))).toBe('registry_unopenable');
    expect(() => open(folder)).toThrow(folder.path);
  });

  it('leaves a file of a newer version alone', () => {
    using folder = new RegistryFolder();
    folder.open();
    using database = new DatabaseSync(folder.file());
    database.exec('PRAGMA user_version = 99');
    expect(codeOf(() => folder.open())).toBe('registry_too_new');
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  });
});
