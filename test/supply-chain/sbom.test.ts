import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readLockfile } from '../../supply-chain/lockfile.ts';
import type { Sbom } from '../../supply-chain/sbom.ts';
import { runCommand } from '../support/run-command.ts';

it('the bill of materials names what is shipped in its version, and nothing of what only tests', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sbom-'));
  try {
    const file = join(folder, 'sbom.json');
    expect(await runCommand('supply-chain/main.ts', ['sbom', '--out', file])).toMatchObject({ code: 0, err: '' });
    const { components } = JSON.parse(readFileSync(file, 'utf8')) as Sbom;
    const named = new Set(components.map(({ name, version }) => `${name}@${version}`));
    const packages = readLockfile();
    const shipped = packages.filter(({ isDevelopment }) => !isDevelopment);
    for (const { name, version } of shipped) expect(named).toContain(`${name}@${version}`);
    const tools = packages.filter(({ name }) => ['vitest', 'typescript', 'testcontainers'].includes(name));
    expect(tools.length).toBeGreaterThan(2);
    for (const { name, version } of tools) expect(named).not.toContain(`${name}@${version}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
