import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { derivedSecret, loadSecrets, writeDevicesCsv } from '../../../device-simulator/config/credentials.ts';
import { createFleet } from '../../../device-simulator/core/fleet.ts';

const fleet = createFleet({ vehicles: 2, bays: 1, runId: 1 });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-credentials-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('credentials of a simulated fleet', () => {
  it('are none on an anonymous listener', async () => {
    expect(await loadSecrets({ kind: 'anonymous' }, fleet)).toBeUndefined();
  });

  it('are derived from a seed, another for every device and every seed', async () => {
    const secrets = await loadSecrets({ kind: 'seed', seed: 'a' }, fleet);
    expect(new Set(secrets?.values()).size).toBe(3);
    expect(secrets?.get('dev-bay-0001')).toBe(derivedSecret('a', 'dev-bay-0001'));
    expect(derivedSecret('b', 'dev-bay-0001')).not.toBe(derivedSecret('a', 'dev-bay-0001'));
    expect(Buffer.from(derivedSecret('a', 'x'), 'base64url')).toHaveLength(16);
  });

  it('come back from the file that they were written to, which only its owner may read', async () => {
    const path = join(folder, 'devices.csv');
    const secrets = (await loadSecrets({ kind: 'seed', seed: 'a' }, fleet)) ?? new Map<string, string>();
    await writeDevicesCsv(path, fleet, secrets);
    expect(await loadSecrets({ kind: 'file', path }, fleet)).toEqual(secrets);
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  it('refuses a file that lacks a device of the fleet, and names it', async () => {
    const path = join(folder, 'devices.csv');
    await writeFile(path, 'device_id,kind,bound_to,secret\ndev-veh-000001,vehicle,veh-000001,x\n');
    await expect(loadSecrets({ kind: 'file', path }, fleet)).rejects.toThrow('dev-veh-000002');
  });

  it('refuses a file that is not there, or not a list of devices', async () => {
    await expect(loadSecrets({ kind: 'file', path: join(folder, 'none.csv') }, fleet)).rejects.toThrow('none.csv');
    const path = join(folder, 'odd.csv');
    await writeFile(path, 'a,b\n1,2\n');
    await expect(loadSecrets({ kind: 'file', path }, fleet)).rejects.toThrow('record 1');
  });
});
