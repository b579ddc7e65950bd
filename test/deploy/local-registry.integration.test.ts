import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRegistry } from '../../deploy/local/registry.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edge-registry-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a registry with a directory still knows its schemas by their ids after a restart', async () => {
  const first = await startRegistry({ dir });
  let id: unknown;
  try {
    const response = await fetch(`${first.url}/subjects/kept-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: '{"type":"string"}' }),
    });
    ({ id } = (await response.json()) as { id?: unknown });
    await expect(startRegistry({ port: first.port })).rejects.toMatchObject({ code: 'port_taken' });
  } finally {
    await first.close();
  }

  const second = await startRegistry({ dir });
  try {
    const response = await fetch(`${second.url}/schemas/ids/${String(id)}`);
    expect(await response.json()).toMatchObject({ schema: '{"type":"string"}' });
  } finally {
    await second.close();
  }
});
