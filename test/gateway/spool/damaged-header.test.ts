import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, sealedHeaderBytes, segmentHeaderBytes } from '../../../gateway/spool/frame-format.ts';
import { bytesOfKey, KeysFolder, TestKeys } from '../encryption/support.ts';
import { encrypted, numbers, replayed, segmentsOf, spooled } from './encrypted-support.ts';
import { FaultyFiles, settingsFor, TestDirectory } from './support.ts';

const keys = new TestKeys('k1');

async function damage(path: string, from: number, to: number): Promise<void> {
  const bytes = await readFile(path);
  for (let at = from; at < Math.min(to, bytes.length); at++) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x5a, at);
  await writeFile(path, bytes);
}

describe('a segment whose header is damaged', () => {
  it.each([
    ['salt', 28, 44],
    ['id of the key', 45, 47],
    ['number', 12, 20],
    ['beginning', 0, 1],
    ['whole', 0, sealedHeaderBytes],
  ])('is replayed whole when it is encrypted, and kept as damaged: %s', async (_what, from, to) => {
    await using directory = await TestDirectory.make();
    await spooled(encrypted(directory.path), keys, 0, 20);
    await spooled(encrypted(directory.path), keys, 20, 20);
    const [name] = await segmentsOf(directory.path);
    await damage(join(directory.path, name as string), from, to);
    const { values, damaged } = await replayed(encrypted(directory.path), keys);
    expect(values).toEqual(numbers(0, 40));
    expect(damaged).toEqual([name]);
    expect(await readdir(directory.path)).toContain(`${name}.damaged`);
  });

  it.each([
    ['plain', settingsFor, segmentHeaderBytes],
    ['encrypted', encrypted, sealedHeaderBytes],
  ] as const)('is replayed whole also when it is the last one, with a single group: %s', async (_what, of, to) => {
    await using directory = await TestDirectory.make();
    await spooled(of(directory.path), keys, 0, 10);
    const [name] = await segmentsOf(directory.path);
    await damage(join(directory.path, name as string), 0, to);
    expect(await replayed(of(directory.path), keys)).toEqual({ values: numbers(0, 10), damaged: [name] });
  });

  it('is replayed behind a page that the disk has lost with the header', async () => {
    await using directory = await TestDirectory.make();
    const settings = encrypted(directory.path, { segmentBytes: 64 * 1024 });
    await spooled(settings, keys, 0, 400);
    const [name] = (await segmentsOf(directory.path)) as [string];
    const bytes = await readFile(join(directory.path, name));
    expect(bytes.length).toBeGreaterThan(2 * 4096);
    let lost = 0;
    for (let at = sealedHeaderBytes; at < 4096; at = decodeFrame(bytes, at)?.end ?? 4096) {
      lost += decodeFrame(bytes, at)?.records ?? 0;
    }
    const files = new FaultyFiles();
    files.lostPages = [{ name, at: 0 }];
    const { values, damaged } = await replayed(settings, keys, files);
    expect(values).toEqual(numbers(lost, 400));
    expect(damaged).toContain(name);
  });

  it('is of no use any more, and removed, when all of it is on Kafka', async () => {
    await using directory = await TestDirectory.make();
    await spooled(encrypted(directory.path), keys, 0, 20);
    const [name] = (await segmentsOf(directory.path)) as [string];
    const bytes = await readFile(join(directory.path, name));
    expect(await replayed(encrypted(directory.path), keys)).toEqual({ values: numbers(0, 20), damaged: [] });
    // A crash came before its removal.
    await writeFile(join(directory.path, name), bytes);
    await damage(join(directory.path, name), 0, sealedHeaderBytes);
    expect(await replayed(encrypted(directory.path), keys)).toEqual({ values: [], damaged: [] });
    expect((await readdir(directory.path)).filter((file) => file.startsWith(name))).toEqual([]);
  });

  it('still asks for its key by its name', async () => {
    await using directory = await TestDirectory.make();
    await spooled(encrypted(directory.path), keys, 0, 10);
    const [name] = await segmentsOf(directory.path);
    await damage(join(directory.path, name as string), 0, sealedHeaderBytes);
    await expect(replayed(settingsFor(directory.path), new TestKeys('k2'))).rejects.toMatchObject({
      code: 'spool_key_missing',
      message: expect.stringContaining('"k1"') as string,
    });
  });

  it('is named by npm run spool -- verify, which opens its batches all the same', async () => {
    await using directory = await TestDirectory.make();
    using folder = new KeysFolder();
    await spooled(encrypted(directory.path), keys, 0, 20);
    const [name] = await segmentsOf(directory.path);
    await damage(join(directory.path, name as string), 28, 44);
    const filed = { current: 'k1', keys: [{ id: 'k1', key: bytesOfKey(1).toString('base64') }] };
    const program = join(import.meta.dirname, '../../../gateway/spool/spool-command.ts');
    const args = ['verify', '--directory', directory.path, '--keys', folder.write('keys', filed)];
    const run = promisify(execFile)(process.execPath, [program, ...args]);
    const result = (await run.catch((error: unknown) => error)) as { code: number; stdout: string; stderr: string };
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(
      `${name}: bytes 0 to ${sealedHeaderBytes}: its header cannot be read; its batches may be`,
    );
    const figures = JSON.parse(result.stdout.trimEnd().split('\n').at(-1) as string) as object;
    expect(figures).toMatchObject({ records: 20, undecodable: 0, unopened: 0, damagedRanges: 1, intact: false });
  });
});

describe('damage anywhere in an encrypted segment', () => {
  it('costs those batches that it touches, and no other', async () => {
    await using original = await TestDirectory.make();
    await spooled(encrypted(original.path), keys, 0, 40);
    await spooled(encrypted(original.path), keys, 40, 10);
    const names = await readdir(original.path);
    const [name] = (await segmentsOf(original.path)) as [string];
    const bytes = await readFile(join(original.path, name));
    const frames: { from: number; to: number; records: readonly string[] }[] = [];
    let record = 0;
    for (let at = sealedHeaderBytes; at < bytes.length; ) {
      const frame = decodeFrame(bytes, at);
      if (frame === undefined) throw new Error(`no frame at ${at}`);
      frames.push({ from: at, to: frame.end, records: numbers(record, record + frame.records) });
      record += frame.records;
      at = frame.end;
    }
    const places = fc.record({ from: fc.nat(bytes.length - 1), length: fc.integer({ min: 1, max: 700 }) });
    await fc.assert(
      fc.asyncProperty(places, async ({ from, length }) => {
        await using copy = await TestDirectory.make();
        await mkdir(copy.path);
        for (const each of names) await copyFile(join(original.path, each), join(copy.path, each));
        await damage(join(copy.path, name), from, from + length);
        const left = frames.filter((frame) => frame.to <= from || frame.from >= from + length);
        const { values } = await replayed(encrypted(copy.path), keys);
        expect(values).toEqual([...left.flatMap(({ records }) => records), ...numbers(40, 50)]);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
