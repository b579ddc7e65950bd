import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { visibleBrokers } from '../../deploy/local/kafka-ready.ts';
import { assertPortFree, freePorts } from '../../deploy/local/ports.ts';
import { waitFor } from '../support/wait-for.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'deploy', 'local', 'main.ts');

interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly ports: readonly [kafka: number, registry: number];
  output(): string;
}

let running: RunningCommand | undefined;
/** Where the command makes its temporary directories. */
let temporary = '';

async function runCommand(): Promise<RunningCommand> {
  const [port, registryPort] = (await freePorts(2)) as [number, number];
  const args = [MAIN, '--port', String(port), '--registry-port', String(registryPort)];
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  running = { child, ended, ports: [port, registryPort], output: () => output };
  return running;
}

function printed(command: RunningCommand, text: string): Promise<boolean> {
  return waitFor(
    () => {
      if (command.child.exitCode !== null) {
        throw new Error(`the command ended: ${command.output()}`);
      }
      return command.output().includes(text);
    },
    { deadlineMs: 90_000, what: () => `"${text}" in the output: ${command.output()}` },
  );
}

/** Whoever still listened on a port would be an orphan. */
function portsFree(command: RunningCommand): Promise<boolean> {
  return waitFor(
    async () => {
      await Promise.all(command.ports.map((port) => assertPortFree(port, 'the check for orphans')));
      return true;
    },
    { deadlineMs: 20_000, what: 'the servers to be gone with the command' },
  );
}

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'edge-command-test-'));
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  await rm(temporary, { recursive: true, force: true });
});

describe('npm run kafka', () => {
  test('prints one ready line with the addresses, and ends with its servers and exit code 0 on SIGTERM', async () => {
    const command = await runCommand();
    await printed(command, 'ready:');
    const [port, registryPort] = command.ports;
    const readyLines = command.output().match(/^ready: .*$/gm);
    expect(readyLines).toEqual([
      `ready: Kafka 127.0.0.1:${port}, schema registry http://127.0.0.1:${registryPort}/apis/ccompat/v7`,
    ]);
    expect(await visibleBrokers(`127.0.0.1:${port}`)).toEqual([1]);

    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    await portsFree(command);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('ends with exit code 0 when it is interrupted while it still starts', async () => {
    const command = await runCommand();
    await printed(command, 'starting a Kafka broker');
    command.child.kill('SIGINT');
    expect(await command.ended).toBe(0);
    expect(command.output()).not.toContain('ready:');
    await portsFree(command);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('ends with exit code 1, and ends the others, when a server dies', async () => {
    const command = await runCommand();
    await printed(command, 'ready:');
    const brokerPid = Number(/Kafka is ready .* process (\d+)/.exec(command.output())?.[1]);
    process.kill(brokerPid, 'SIGKILL');
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(/Kafka broker 1 ended with signal SIGKILL/);
    await portsFree(command);
  });

  test('takes its servers with it when it is killed', async () => {
    const command = await runCommand();
    await printed(command, 'ready:');
    command.child.kill('SIGKILL');
    await command.ended;
    await portsFree(command);
    const isEmpty = async (): Promise<boolean> => (await readdir(temporary)).length === 0;
    await waitFor(isEmpty, { deadlineMs: 20_000, what: 'its temporary directories to be removed' });
  });
});
