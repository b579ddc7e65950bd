import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const LOCAL = join(import.meta.dirname, '..', '..', 'deploy', 'local');
const JAVA_17 = 'echo \'openjdk version "17.0.15" 2025-04-15\' >&2';
/** Stands in for Maven: notes that it ran, and writes what the fetch is to find. */
const MAVEN = `
for arg in "$@"; do case "$arg" in -Dtarget.dir=*) target="\${arg#-Dtarget.dir=}";; esac; done
echo run >> "\${0%/*}/maven-runs"
/bin/mkdir -p "$target/kafka" "$target/registry"
/bin/sleep 0.2
echo > "$target/registry/registry-runner.jar"`;

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edge-prerequisites-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Makes `dir` the whole PATH, so that only the commands written into it exist. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: `${dir}:/usr/bin/nowhere`, XDG_CACHE_HOME: join(dir, 'cache') });

const command = (name: string, script: string): Promise<void> =>
  writeFile(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

/** Runs `npm run kafka` and returns its exit code and what it wrote to standard error. */
function runKafka(): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    // Its ports are of no matter: it ends before it would listen.
    const args = [join(LOCAL, 'main.ts'), '--port', '31998', '--registry-port', '31999'];
    const child = spawn(process.execPath, args, { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('close', (code) => resolve({ code, stderr }));
  });
}

describe('npm run kafka says what is missing and how to get it', () => {
  test('without Java', async () => {
    const { code, stderr } = await runKafka();
    expect(code).toBe(1);
    expect(stderr).toMatch(/no Java.*install a Java runtime 17 or newer/);
  });

  test('with a Java that is too old', async () => {
    await command('java', 'echo \'openjdk version "11.0.2"\' >&2');
    const { code, stderr } = await runKafka();
    expect(code).toBe(1);
    expect(stderr).toMatch(/is Java 11, Kafka needs 17.*install/);
  });

  test('without Maven', async () => {
    await command('java', JAVA_17);
    const { code, stderr } = await runKafka();
    expect(code).toBe(1);
    expect(stderr).toMatch(/no Maven.*apt-get install maven/);
  });

  test('without a Maven repository, leaving nothing half-fetched behind', async () => {
    await command('java', JAVA_17);
    await command('mvn', `${MAVEN}\necho '[ERROR] Could not transfer artifact x from/to central'\nexit 1`);
    const { code, stderr } = await runKafka();
    expect(code).toBe(1);
    expect(stderr).toMatch(/Maven repository reachable[\s\S]*Could not transfer artifact x/);
    expect(await readdir(join(dir, 'cache', 'edge-ingest-gateway'))).toEqual([]);
  });
});

test('processes that ask for the servers at once fetch them once', async () => {
  await command('mvn', MAVEN);
  const script = `import { fetchServerJars } from ${JSON.stringify(join(LOCAL, 'maven.ts'))};
    console.log((await fetchServerJars()).registryJar);`;
  const fetchInOtherProcess = (): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: environment() });
  const results = await Promise.all([fetchInOtherProcess(), fetchInOtherProcess(), fetchInOtherProcess()]);
  for (const { stdout } of results) {
    expect(existsSync(stdout.trim())).toBe(true);
  }
  expect(await readFile(join(dir, 'maven-runs'), 'utf8')).toBe('run\n');
});
