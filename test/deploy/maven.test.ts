import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheName, mavenError } from '../../deploy/local/maven.ts';

describe('fetching the servers through Maven', () => {
  test('says how to get Maven where there is none', () => {
    const error = mavenError(Object.assign(new Error('spawn mvn ENOENT'), { code: 'ENOENT' }));
    expect(error.code).toBe('no_maven');
    expect(error.message).toContain('apt-get install maven');
  });

  test("passes Maven's own first errors on when the repository cannot be reached", () => {
    const stdout = '[INFO] Scanning\n[ERROR] Could not transfer artifact a:b:1 from/to central\n[INFO] more';
    const error = mavenError(Object.assign(new Error('exit 1'), { stdout, stderr: '' }));
    expect(error.code).toBe('fetch_failed');
    expect(error.message).toContain('Could not transfer artifact a:b:1');
    expect(error.message).not.toContain('Scanning');
  });
});

describe('the name in the cache', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edge-pom-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('changes with the pom', async () => {
    const pom = join(dir, 'pom.xml');
    await writeFile(pom, '<project/>');
    const before = await cacheName(pom);
    await writeFile(pom, '<project></project>');
    expect(await cacheName(pom)).not.toBe(before);
  });
});
