import { describe, expect, it } from 'vitest';
import { type ImportRow, importDevices } from '../../../gateway/identity/import-devices.ts';
import {
  parseSecretHash,
  type SecretHash,
  simulationCost,
  verifySecret,
} from '../../../gateway/identity/secret-hash.ts';
import { makeDevice, RegistryFolder } from './devices.ts';

const row = (deviceId: string, changes: Partial<ImportRow> = {}): ImportRow => ({
  deviceId,
  kind: 'vehicle',
  boundTo: `veh-${deviceId}`,
  ...changes,
});

const cost = simulationCost;

describe('importing devices', () => {
  it('adds thousands, with secrets given or generated', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    const generated = new Map<string, string>();
    const progress: number[] = [];
    const rows = Array.from({ length: 2000 }, (_, i) => row(`d${i}`, i % 2 === 0 ? { secret: `secret-${i}` } : {}));
    const result = await importDevices(registry, rows, {
      cost,
      onGenerated: (deviceId, secret) => generated.set(deviceId, secret),
      onProgress: (hashed, total) => progress.push(hashed / total),
    });
    expect(result).toEqual({ added: 2000 });
    expect(await registry.count()).toBe(2000);
    expect(generated.size).toBe(1000);
    expect(progress.at(-1)).toBe(1);
    for (const [id, secret] of [
      ['d0', 'secret-0'],
      ['d1999', generated.get('d1999') ?? ''],
    ] as const) {
      const stored = parseSecretHash((await registry.find(id))?.secretHash ?? '') as SecretHash;
      expect(verifySecret(Buffer.from(secret), stored)).toBe(true);
    }
  });

  it('adds nothing when one row is wrong, and names each line that is', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    await registry.add(await makeDevice('taken', 's'));
    const rows = [
      row('fine', { line: 2 }),
      row('taken', { line: 3 }),
      row('fine', { line: 4 }),
      row('a/b', { line: 5 }),
      row('x', { boundTo: '', line: 6 }),
      row('y', { kind: 'bus', line: 7 }),
      row('z', { secret: 's'.repeat(1025), line: 8 }),
    ];
    const result = await importDevices(registry, rows, { cost });
    expect(result).toMatchObject({ further: 0 });
    expect('problems' in result && result.problems.map(({ line, problem }) => `${line}: ${problem}`)).toEqual([
      '3: device taken is registered already',
      '4: device fine stands in this import before',
      '5: device_id "a/b" is not 1 to 128 letters, digits or . _ : @ ~ -',
      '6: bound_to "" is not 1 to 128 letters, digits or . _ : @ ~ -',
      '7: kind "bus" is none of vehicle, bay',
      '8: secret is longer than 1024',
    ]);
    expect(await registry.count()).toBe(1);
  });

  it('names what is wrong in characters that move no cursor, and end no line', async () => {
    using folder = new RegistryFolder();
    const strange = 'a\u001b[2K\u009b2K\u0085\u2028\u202e\u007f';
    const rows = [
      row(strange),
      row('x', { boundTo: strange }),
      row('y', { kind: strange }),
      row('z', { groups: [strange] }),
    ];
    const result = await importDevices(folder.open(), rows, { cost });
    const problems = 'problems' in result ? result.problems.map(({ problem }) => problem) : [];
    expect(problems).toHaveLength(rows.length);
    for (const problem of problems) {
      expect(problem).toContain('\\u009b2K\\u0085\\u2028\\u202e\\u007f');
      expect(problem).not.toMatch(/[\p{Cc}\p{Zl}\p{Cf}]/u);
    }
  });

  it('lists a bounded number of problems', async () => {
    using folder = new RegistryFolder();
    const rows = Array.from({ length: 100 }, () => row('/'));
    const result = await importDevices(folder.open(), rows, { cost });
    expect(result).toMatchObject({ further: 80 });
  });

  it('adds nothing when somebody registers one of its devices meanwhile', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    const result = await importDevices(registry, [row('a'), row('b')], {
      cost,
      beforeCommit: async () => {
        await folder.open().add(await makeDevice('b', 's'));
      },
    });
    expect(result).toEqual({ problems: [{ line: 0, problem: 'device b has been registered meanwhile' }], further: 0 });
    expect(await registry.find('a')).toBeUndefined();
  });

  it('leaves nothing behind when its source breaks, and can be tried again', async () => {
    using folder = new RegistryFolder();
    const registry = folder.open();
    const broken = function* () {
      yield row('a');
      throw new Error('torn');
    };
    await expect(importDevices(registry, broken(), { cost })).rejects.toThrow('torn');
    expect(await registry.count()).toBe(0);
    expect(await importDevices(registry, [row('a')], { cost })).toEqual({ added: 1 });
  });
});
