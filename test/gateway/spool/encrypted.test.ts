import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  decodeFrame,
  decodeSegmentHeader,
  finishChecksum,
  sealedHeaderBytes,
} from '../../../gateway/spool/frame-format.ts';
import { bytesOfKey, KeysFolder, TestKeys } from '../encryption/support.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { encrypted, numbers, replayed, secret, segmentsOf, spooled, wait } from './encrypted-support.ts';
import { assemble, FaultyFiles, settingsFor, TestDirectory } from './support.ts';

/** Changes the frame with this position in the first segment, as somebody would who knows the format: its checksum is right. */
async function forge(path: string, position: number, change: (frame: Buffer) => void): Promise<void> {
  const bytes = await readFile(path);
  let at = sealedHeaderBytes;
  for (let i = 0; i < position; i++) at = decodeFrame(bytes, at)?.end ?? 0;
  const end = decodeFrame(bytes, at)?.end ?? 0;
  const frame = bytes.subarray(at, end);
  change(frame);
  finishChecksum(frame);
  await writeFile(path, bytes);
}

describe('an encrypted spool', () => {
  it('shows nothing of its records on the disk, and replays all of them, in order', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    const settings = encrypted(directory.path, { segmentBytes: 1000 });
    await spooled(settings, keys, 0, 100);
    const names = await segmentsOf(directory.path);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const bytes = await readFile(join(directory.path, name));
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes('veh-1')).toBe(false);
      expect(decodeSegmentHeader(bytes)?.key?.id).toBe('k1');
    }
    expect(await replayed(settings, keys)).toEqual({ values: numbers(0, 100), damaged: [] });
  });

  it('reads what it wrote under an older key, and what it wrote before it was encrypted', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1', 'k2');
    await spooled(settingsFor(directory.path), keys, 0, 20);
    await spooled(encrypted(directory.path), keys, 20, 20);
    keys.use('k2');
    await spooled(encrypted(directory.path), keys, 40, 20);
    const headers = await Promise.all(
      (await segmentsOf(directory.path)).map(async (name) =>
        decodeSegmentHeader(await readFile(join(directory.path, name))),
      ),
    );
    expect(headers.map((header) => header?.key?.id)).toEqual([undefined, 'k1', 'k2']);
    // Also when nothing is encrypted any more.
    expect(await replayed(settingsFor(directory.path), keys)).toEqual({ values: numbers(0, 60), damaged: [] });
  });

  it('is not opened without one of its keys, says which, and loses nothing by that', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    await spooled(encrypted(directory.path), keys, 0, 20);
    for (const others of [undefined, new TestKeys('k2')]) {
      const refused = replayed(settingsFor(directory.path), others);
      await expect(refused).rejects.toMatchObject({
        code: 'spool_key_missing',
        message: expect.stringContaining('"k1"') as string,
      });
    }
    expect(await replayed(encrypted(directory.path), keys)).toEqual({ values: numbers(0, 20), damaged: [] });
  });

  it('is not switched on without keys', async () => {
    await using directory = await TestDirectory.make();
    await expect(assemble(encrypted(directory.path))).rejects.toMatchObject({ code: 'spool_key_missing' });
  });

  it.each<[what: string, change: (frame: Buffer) => void]>([
    ['a byte of its batch', (frame) => frame.writeUInt8(frame.readUInt8(70) ^ 1, 70)],
    ['its tag', (frame) => frame.writeUInt8(frame.readUInt8(frame.length - 90) ^ 1, frame.length - 90)],
    ['its copy of the key', (frame) => frame.writeUInt8(frame.readUInt8(frame.length - 81) ^ 1, frame.length - 81)],
    ['its topic', (frame) => frame.write('others', 48)],
    ['its time', (frame) => frame.writeUInt32BE(7, 32)],
    ['the mark that it is encrypted', (frame) => frame.writeUInt16BE(0, 46)],
    ['the mark that it has a copy of the key', (frame) => frame.writeUInt16BE(1, 46)],
  ])('takes a frame with another value of %s for damage, reports it, and replays the others', async (_what, change) => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    await spooled(encrypted(directory.path), keys, 0, 50);
    const [name] = await segmentsOf(directory.path);
    await forge(join(directory.path, name as string), 2, change);
    const { values, damaged } = await replayed(encrypted(directory.path), keys);
    expect(values).toEqual([...numbers(0, 20), ...numbers(30, 50)]);
    expect(damaged).toEqual([name]);
    expect(await readdir(directory.path)).toContain(`${name}.damaged`);
  });

  it('takes no frame that was moved to another place of its segment, or to another segment', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    await spooled(encrypted(directory.path), keys, 0, 10);
    const [first] = await segmentsOf(directory.path);
    const path = join(directory.path, first as string);
    const bytes = await readFile(path);
    // The frame once more behind itself, under the next number.
    const frame = Buffer.from(bytes.subarray(sealedHeaderBytes));
    frame.writeUInt32BE(2, 16);
    frame.writeUInt32BE(2, 24);
    finishChecksum(frame);
    await writeFile(path, Buffer.concat([bytes, frame]));
    const moved = await replayed(encrypted(directory.path), keys);
    expect(moved.values).toEqual(numbers(0, 10));
    expect(moved.damaged).toEqual([first]);

    await using other = await TestDirectory.make();
    await spooled(encrypted(other.path), keys, 0, 10);
    await rename(join(other.path, '0000000000000001.segment'), join(other.path, '0000000000000002.segment'));
    expect(await replayed(encrypted(other.path), keys)).toEqual({ values: [], damaged: ['0000000000000002.segment'] });
  });

  it('tells a torn tail from damage wherever the last write was cut off', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    await spooled(encrypted(directory.path), keys, 0, 30);
    const [name] = await segmentsOf(directory.path);
    const path = join(directory.path, name as string);
    const bytes = await readFile(path);
    const second = decodeFrame(bytes, sealedHeaderBytes)?.end ?? 0;
    const third = decodeFrame(bytes, second)?.end ?? 0;
    await copyFile(path, `${path}.whole`);
    for (let at = third + 1; at < bytes.length; at += 37) {
      await using copy = await TestDirectory.make();
      const { close } = await assemble(encrypted(copy.path), undefined, { keys });
      await close();
      await copyFile(`${path}.whole`, join(copy.path, name as string));
      await truncate(join(copy.path, name as string), at);
      expect(await replayed(encrypted(copy.path), keys)).toEqual({ values: numbers(0, 20), damaged: [] });
    }
  });

  it('never encrypts twice for one place: after a failed write everything goes into another segment', async () => {
    await using directory = await TestDirectory.make();
    const keys = new TestKeys('k1');
    const files = new FaultyFiles();
    const { sink, recording, close } = await assemble(encrypted(directory.path), undefined, { keys, files });
    const settlements = new Settlements();
    const send = (value: string) => sink.append('events', 'k', 1, textEncoder, value, settlements.of(value));
    send('a');
    await wait('the first', () => settlements.settled.length === 1);
    files.failSync = 'EIO';
    send('b');
    await wait('two failures', () => recording.of('diskFailed').length >= 2);
    files.failSync = undefined as unknown as string;
    await wait('the second', () => settlements.settled.length === 2);
    await close();
    const salts = await Promise.all(
      (await segmentsOf(directory.path)).map(async (name) =>
        Buffer.from(decodeSegmentHeader(await readFile(join(directory.path, name)))?.key?.salt ?? []).toString('hex'),
      ),
    );
    expect(salts.length).toBeGreaterThan(1);
    expect(new Set(salts).size).toBe(salts.length);
    expect((await replayed(encrypted(directory.path), keys)).values).toEqual(['a', 'b']);
  });
});

describe('npm run spool, of an encrypted one', () => {
  const program = join(import.meta.dirname, '../../../gateway/spool/spool-command.ts');
  const run = async (...args: string[]) => {
    const result = await promisify(execFile)(process.execPath, [program, ...args]).catch((error: unknown) => error);
    return result as { stdout: string; stderr: string; code?: number };
  };
  const figures = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1) as string) as object;

  it('shows without keys what there is, and with them what is in it', async () => {
    await using directory = await TestDirectory.make();
    using folder = new KeysFolder();
    await spooled(encrypted(directory.path), new TestKeys('k1'), 0, 30);
    const choice = ['--directory', directory.path];
    const [inspected, closed, unverified] = await Promise.all([
      run('inspect', ...choice),
      run('export', ...choice),
      run('verify', ...choice),
    ]);
    expect(inspected.stdout).toContain('topic events: 30 records in 3 batches');
    expect(inspected.stdout).toContain('encrypted under k1');
    expect(closed.stdout).toBe('');
    expect(figures(closed.stderr)).toMatchObject({ exported: 0, unopened: 3 });
    expect(figures(unverified.stdout)).toMatchObject({ intact: true, unopened: 3, damagedRanges: 0 });

    const filed = { current: 'k1', keys: [{ id: 'k1', key: bytesOfKey(1).toString('base64') }] };
    const keys = ['--keys', folder.write('keys', filed)];
    const [opened, verified] = await Promise.all([
      run('export', ...choice, ...keys),
      run('verify', ...choice, ...keys),
    ]);
    expect(opened.stdout.trimEnd().split('\n')).toHaveLength(30);
    expect(figures(verified.stdout)).toMatchObject({ intact: true, unopened: 0 });

    const [name] = await segmentsOf(directory.path);
    await forge(join(directory.path, name as string), 1, (frame) => frame.writeUInt8(frame.readUInt8(70) ^ 1, 70));
    const forged = await run('verify', ...choice, ...keys);
    expect(forged.code).toBe(1);
    expect(forged.stderr).toContain('it is not what was written there');
  }, 60_000);
});
