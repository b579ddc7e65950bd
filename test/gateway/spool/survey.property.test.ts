import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpoolFile } from '../../../gateway/spool/file-layer.ts';
import { finishFrame, layOutFrame } from '../../../gateway/spool/frame-format.ts';
import { openDirectory } from '../../../gateway/spool/open-directory.ts';
import { type Survey, segmentFileName, surveySpool } from '../../../gateway/spool/survey.ts';
import { headerBytes, writeSpool } from './segment-files.ts';
import { FaultyFiles, TestDirectory } from './support.ts';

const pageBytes = 4096;

/** Bytes of the bodies of the frames that are written with one fsync. */
const group = fc.array(fc.integer({ min: 100, max: 1600 }), { minLength: 1, maxLength: 3 });
const groups = fc.array(group, { minLength: 1, maxLength: 3 });

/** What the disk does to a file, after all of it was written. */
type Fault =
  | { readonly kind: 'header' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'page'; readonly page: number }
  | { readonly kind: 'rot'; readonly at: number; readonly length: number };

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>({ kind: 'header' }, { kind: 'unreadable' }),
  fc.record({ kind: fc.constant('page' as const), page: fc.nat() }),
  fc.record({ kind: fc.constant('rot' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 50 }) }),
);

const history = fc.record({
  segments: fc.array(
    fc.record({
      groups,
      /** Frames behind them whose write failed and was made anew in the next segment, and bytes that it came short of. */
      failed: fc.option(fc.record({ frames: fc.integer({ min: 1, max: 3 }), short: fc.nat(400) }), { nil: undefined }),
      fault: fc.option(fault, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  /** The group that was under way at the crash, and the frame of it that did not come to the disk. */
  torn: fc.option(fc.record({ group, missing: fc.nat() }), { nil: undefined }),
  cursor: fc.nat(),
});

type History = typeof history extends fc.Arbitrary<infer Value> ? Value : never;

interface Laid {
  readonly number: number;
  readonly groupFirst: number;
  readonly from: number;
  readonly to: number;
}

interface File {
  readonly name: string;
  bytes: Buffer;
  /** What it holds by itself, and not for the next one. */
  readonly frames: Laid[];
  readonly lostPages: number[];
  fault: Fault | undefined;
}

/** The files of a history, damaged, and what was promised of them. */
class Disk {
  readonly files: File[] = [];
  /** One more than the last frame that was acknowledged. */
  next = 1;
  /** The frame of the write under way that is missing. */
  missing: Laid | undefined;
  readonly cursor: number;

  constructor({ segments, torn, cursor }: History) {
    for (const { groups } of segments) this.#write(groups);
    for (const [index, { failed }] of segments.entries()) {
      if (failed !== undefined) this.#leave(index, failed.frames, failed.short);
    }
    if (torn !== undefined) this.#tear(torn.group, torn.missing);
    for (const [index, { fault }] of segments.entries()) if (fault !== undefined) this.#damage(this.#at(index), fault);
    this.cursor = 1 + (cursor % this.next);
  }

  get last(): File {
    return this.#at(-1);
  }

  get lostPages(): FaultyFiles['lostPages'] {
    return this.files.flatMap(({ name, lostPages }) => lostPages.map((page) => ({ name, at: page * pageBytes })));
  }

  /** Whether any of these bytes has been damaged. */
  isTouched(file: File, from: number, to: number): boolean {
    const { fault } = file;
    if (fault === undefined) return false;
    if (fault.kind === 'rot') return fault.at < to && from < fault.at + fault.length;
    if (fault.kind === 'header') return from < headerBytes(1, 1).length;
    return file.lostPages.some((page) => page * pageBytes < to && from < (page + 1) * pageBytes);
  }

  #at(index: number): File {
    return this.files.at(index) as File;
  }

  #write(groups: readonly (readonly number[])[]): void {
    const segment = this.files.length + 1;
    const bytes = headerBytes(segment, this.next);
    this.files.push({ name: segmentFileName(segment), bytes, frames: [], lostPages: [], fault: undefined });
    for (const sizes of groups) {
      const groupFirst = this.next;
      for (const size of sizes) {
        this.last.frames.push(append(this.last, this.next, groupFirst, size));
        this.next += 1;
      }
    }
  }

  /** The first frames of the next file are behind those of this one, too. */
  #leave(index: number, count: number, short: number): void {
    const [file, following] = [this.#at(index), this.files[index + 1]];
    if (following === undefined) return;
    const acknowledgedTo = file.bytes.length;
    const again = following.frames.slice(0, count);
    for (const { number, from, to } of again) append(file, number, again[0]?.number ?? 0, to - from);
    file.bytes = file.bytes.subarray(0, Math.max(acknowledgedTo, file.bytes.length - short));
  }

  #tear(sizes: readonly number[], missing: number): void {
    const laid = sizes.map((size, index) => append(this.last, this.next + index, this.next, size));
    this.missing = laid[missing % laid.length] as Laid;
    this.last.bytes.fill(0, this.missing.from, this.missing.to);
  }

  #damage(file: File, fault: Fault): void {
    const { bytes, lostPages } = file;
    const pages = Math.ceil(bytes.length / pageBytes);
    file.fault = fault;
    if (fault.kind === 'header') bytes.fill(0, 0, 20);
    else if (fault.kind === 'unreadable') lostPages.push(...Array.from({ length: pages }, (_, page) => page));
    else if (fault.kind === 'page') lostPages.push(fault.page % pages);
    else {
      const at = fault.at % bytes.length;
      const length = Math.min(fault.length, bytes.length - at);
      bytes.fill(0, at, at + length);
      file.fault = { kind: 'rot', at, length };
    }
  }
}

function append(file: File, number: number, groupFirst: number, size: number): Laid {
  const header = { number, spooledAtMs: 1, records: 1, rawBytes: 1 };
  const frame = layOutFrame(header, Buffer.from('t'), Buffer.alloc(size, number));
  finishFrame(frame, groupFirst);
  const from = file.bytes.length;
  file.bytes = Buffer.concat([file.bytes, frame]);
  return { number, groupFirst, from, to: file.bytes.length };
}

/** What is not on the disk after a fsync is up to the histories, so none is waited for. */
class UnsyncedFiles extends FaultyFiles {
  override syncDirectory = async () => undefined;

  override async openForWriting(path: string, existing: 'refuse' | 'keep'): Promise<SpoolFile> {
    return { ...(await super.openForWriting(path, existing)), sync: async () => undefined };
  }
}

async function surveyed(files: FaultyFiles, directory: string): Promise<{ survey: Survey; seen: number[] }> {
  const seen: number[] = [];
  const survey = await surveySpool(files, directory, (_segment, frames) => {
    for (const { frame } of frames) seen.push(frame.number);
  });
  return { survey, seen };
}

/** A start of a process, and its end before it has done anything. */
async function passed(files: FaultyFiles, directory: string): Promise<void> {
  const { lock, cursorFile } = await openDirectory(files, directory);
  await cursorFile.close();
  lock.release();
}

const isReported = ({ segments, unreadable }: Survey, { name }: File, number: number): boolean =>
  unreadable.some((file) => file.name === name) ||
  segments.some(({ damage }) =>
    damage.some(({ firstFrame, nextFrame, isOpen }) => firstFrame <= number && (isOpen || number < nextFrame)),
  );

/** What nothing proves to have been durable: behind flipped bytes, in the last group of the last file of which one is whole. */
function mayBeTorn(disk: Disk, file: File, { from }: Laid): boolean {
  const { last } = disk;
  if (file !== last || last.fault?.kind !== 'rot') return false;
  const isHit = (each: Laid) => disk.isTouched(last, each.from, each.to);
  const newest = Math.max(0, ...last.frames.filter((each) => !isHit(each)).map(({ groupFirst }) => groupFirst));
  return last.frames.some((each) => each.groupFirst >= newest && each.from <= from && isHit(each));
}

function check(disk: Disk, survey: Survey, seen: readonly number[]): void {
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  const problems: string[] = [];
  for (const file of disk.files) {
    for (const laid of file.frames) {
      const { number, from, to } = laid;
      if (number < disk.cursor || seen.includes(number) || mayBeTorn(disk, file, laid)) continue;
      if (!disk.isTouched(file, from, to)) problems.push(`${number} is intact and not replayed`);
      else if (!isReported(survey, file, number)) problems.push(`${number} is damaged and not reported`);
    }
  }
  const { missing, last } = disk;
  const early = seen.filter((number) => missing !== undefined && number > missing.number);
  // Nobody can tell where damage ends and a tear begins when they are side by side.
  const isBesideDamage = missing && disk.isTouched(last, last.frames.at(-1)?.from ?? 0, missing.to);
  if (early.length > 0 && !isBesideDamage && !disk.isTouched(last, 0, 1))
    problems.push(`${early.join()} ahead of what is sent again`);
  expect(problems).toEqual([]);
}

const rot = (at: number): Fault => ({ kind: 'rot', at, length: 1 });
const plain = { failed: undefined, fault: undefined };

/** Histories in which the tidying of one start once took from the next one the proof that settled bytes were no tear. */
const found: History[] = [
  {
    segments: [{ ...plain, groups: [[100, 100]], fault: rot(100) }],
    torn: { group: [337, 323], missing: 0 },
    cursor: 1,
  },
  {
    segments: [
      { ...plain, groups: [[100, 347]], fault: rot(100) },
      { ...plain, groups: [[100]], fault: rot(100) },
    ],
    torn: undefined,
    cursor: 1,
  },
];

test('whatever the disk has lost: no frame twice or out of order, none lost that is intact, none missing without a word', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (past) => {
      await using directory = await TestDirectory.make();
      const { path } = directory;
      const disk = new Disk(past);
      const files = new UnsyncedFiles();
      const contents = disk.files.map(({ bytes }) => bytes);
      await writeSpool(path, contents, disk.cursor, files);
      files.lostPages = disk.lostPages;
      const first = await surveyed(files, path);
      check(disk, first.survey, first.seen);
      // What is tidied away at a start is nothing that the next one needs.
      await passed(files, path);
      const second = await surveyed(files, path);
      expect(second.seen).toEqual(expect.arrayContaining(first.seen));
      check(disk, { ...second.survey, unreadable: first.survey.unreadable }, second.seen);
    }),
    { numRuns: 600, examples: found.map((past) => [past]) },
  );
}, 60_000);
