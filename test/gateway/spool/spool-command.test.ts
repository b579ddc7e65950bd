import { execFile } from 'node:child_process';
import { open, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { flipped, frameBytes, headerBytes, writeSpool } from './segment-files.ts';
import { type Assembly, assemble, settingsFor, TestDirectory } from './support.ts';

const program = join(import.meta.dirname, '../../../gateway/spool/spool-command.ts');

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: string[]): Promise<Run> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [program, ...args])) };
  } catch (error) {
    return error as Run;
  }
}

const lastJson = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1) as string) as Record<string, unknown>;

/** A spool with 90 records in three groups, still open. */
async function filled(directory: string): Promise<Assembly> {
  const assembly = await assemble(settingsFor(directory));
  const settlements = new Settlements();
  for (let group = 1; group <= 3; group++) {
    for (let i = 0; i < 30; i++) {
      const topic = i === 0 ? 'others' : 'events';
      assembly.sink.append(topic, i === 1 ? '' : `k${i}`, 1000 + i, textEncoder, `v${i}`, settlements.of(String(i)));
    }
    await waitFor(() => settlements.settled.length === group * 30, { deadlineMs: 5000, what: 'durable records' });
  }
  return assembly;
}

test('inspect shows what waits for Kafka, also while the gateway is at work', async () => {
  await using directory = await TestDirectory.make();
  const { close } = await filled(directory.path);
  const { code, stdout } = await run('inspect', '--directory', directory.path);
  await close();
  expect(code).toBe(0);
  expect(stdout).toContain('topic others: 3 records in 3 batches');
  expect(stdout).toContain('topic events: 87 records');
  expect(lastJson(stdout)).toMatchObject({ records: 90, segments: 1, tornBytes: 0, damagedRanges: 0, cursor: 1 });
});

test('export prints every record, with its headers and its value', async () => {
  await using directory = await TestDirectory.make();
  const { close } = await filled(directory.path);
  await close();
  const { code, stdout, stderr } = await run('export', '--directory', directory.path, '--topic', 'events');
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(87);
  const value = Buffer.from('v1').toString('base64');
  expect(lines[0]).toEqual({ topic: 'events', key: null, timestamp: 1001, headers: [], value });
  expect(lines[1]).toMatchObject({ key: 'k2', timestamp: 1002 });
  expect(lastJson(stderr)).toMatchObject({ exported: 87 });
});

test('verify takes a torn tail for what it is, and says so', async () => {
  await using directory = await TestDirectory.make();
  const { close } = await filled(directory.path);
  await close();
  const [name = ''] = (await readdir(directory.path)).filter((entry) => entry.endsWith('.segment'));
  const file = await open(join(directory.path, name), 'r+');
  const { size } = await file.stat();
  await file.close();
  await truncate(join(directory.path, name), size - 1);
  const { code, stdout, stderr } = await run('verify', '--directory', directory.path);
  expect(code).toBe(0);
  expect(stderr).toContain('a write cut short');
  expect(lastJson(stdout)).toMatchObject({ intact: true });
});

test('verify ends with 1 when something acknowledged cannot be read', async () => {
  await using directory = await TestDirectory.make();
  const { close } = await filled(directory.path);
  await close();
  const [name = ''] = (await readdir(directory.path)).filter((entry) => entry.endsWith('.segment'));
  const file = await open(join(directory.path, name), 'r+');
  await file.write(Buffer.from('xx'), 0, 2, 100);
  await file.close();
  const { code, stdout, stderr } = await run('verify', '--directory', directory.path);
  expect(code).toBe(1);
  expect(stderr).toContain('cannot be read');
  expect(lastJson(stdout)).toMatchObject({ intact: false, damagedRanges: 1 });
});

test('a directory that is not there, or an unknown option, is refused in words', async () => {
  const missing = await run('inspect', '--directory', '/nowhere/spool');
  expect(missing).toMatchObject({ code: 1 });
  expect(missing.stderr).toContain('no such directory');
  expect(await run('inspect', '--nonsense')).toMatchObject({ code: 2 });
  expect(await run('--help')).toMatchObject({ code: 0 });
});

test('verify says of a lost tail where it begins, as nobody knows how many batches were in it', async () => {
  await using directory = await TestDirectory.make();
  const frames = [frameBytes(1, 1), frameBytes(2, 2), flipped(frameBytes(3, 3))];
  const bytes = Buffer.concat([headerBytes(1, 1), ...frames]);
  await writeSpool(directory.path, [bytes], 1);
  // A later file, kept since an earlier start.
  await writeFile(join(directory.path, '0000000000000002.segment.damaged'), 'nothing that can be read');
  const { code, stdout, stderr } = await run('verify', '--directory', directory.path);
  expect(code).toBe(1);
  const tailAt = bytes.length - frameBytes(3, 3).length;
  const place = `0000000000000001.segment: bytes ${tailAt} to ${bytes.length}`;
  expect(stderr).toBe(`${place}: batches from 3 on cannot be read\n`);
  expect(lastJson(stdout)).toMatchObject({ batches: 2, nextBatch: 4, tornBytes: 0, damagedRanges: 1, intact: false });
});
