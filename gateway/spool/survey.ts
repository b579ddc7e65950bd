import { join } from 'node:path';
import { type Cursor, readCursor } from './cursor-file.ts';
import type { FileLayer } from './file-layer.ts';
import {
  decodeSegmentHeader,
  findFrame,
  headerBytesOf,
  keyInFrame,
  type ReadFrame,
  sealedHeaderBytes,
} from './frame-format.ts';
import { contentOf, type FrameContent, type SpoolSealing } from './frame-sealing.ts';
import { type ByteRange, isMediumError, type ReadAround, readAround } from './read-around.ts';
import type { SegmentKey } from './segment-key.ts';
import { type DamagedRange, walkSegment } from './walk-segment.ts';

export type { DamagedRange } from './walk-segment.ts';

/** A good frame that the cursor has not passed, and where it is in its segment. */
export interface PlacedFrame {
  readonly at: number;
  readonly frame: ReadFrame;
  readonly content: FrameContent;
}

/** Shown the frames of one segment after the other, in order; the next segment is read when it has resolved. */
export type SegmentVisitor = (segment: string, frames: readonly PlacedFrame[]) => void | Promise<void>;

const segmentName = /^\d{16}\.segment$/;
/** Numbers of segments that are kept as damaged are not used again. */
const segmentOrKeptName = /^(\d{16})\.segment/;

export const segmentFileName = (segment: number): string => `${String(segment).padStart(16, '0')}.segment`;

/** What a segment file holds. */
export interface SurveyedSegment {
  readonly name: string;
  readonly segment: number;
  readonly firstFrame: number;
  /** One more than its last frame. */
  readonly nextFrame: number;
  /** Where its first frame begins. */
  readonly dataAt: number;
  /** What it is encrypted under; undefined: it is not, or neither its header nor a good frame says it any more. */
  readonly key: SegmentKey | undefined;
  /** Where its last good frame ends. */
  readonly end: number;
  readonly fileBytes: number;
  /** Of frames that the cursor has not passed. */
  readonly frames: number;
  readonly records: number;
  readonly topics: ReadonlySet<string>;
  /** When its first frame was spooled; undefined when it has none. */
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
  readonly damage: readonly DamagedRange[];
  /** As in `WalkedSegment`. */
  readonly hasGap: boolean;
  /** Bytes behind `end` that are a write that was cut short, or is under way. */
  readonly tornBytes: number;
}

export interface UnreadableFile {
  readonly name: string;
  readonly bytes: number;
}

export interface Survey {
  readonly cursor: Cursor | undefined;
  /** With frames that are not settled, oldest first. */
  readonly segments: readonly SurveyedSegment[];
  /** Files without anything that is still needed: settled, superseded, or not begun. */
  readonly needless: readonly string[];
  /** Files in which nothing can be read any more. */
  readonly unreadable: readonly UnreadableFile[];
  /** Number of the next frame that is written. */
  readonly nextFrame: number;
  readonly nextSegment: number;
  /** The last file, if it is torn. It need not be one of `segments`: its first frame may be what was cut short. */
  readonly torn: SurveyedSegment | undefined;
}

interface SegmentFile {
  readonly name: string;
  readonly segment: number;
  readonly bytes: Buffer;
  /** What the disk has lost. */
  readonly lost: readonly ByteRange[];
  readonly beginning: Beginning;
}

/** What the header of a segment says, or its first good frame where that is damaged. */
interface Beginning {
  readonly isDamaged: boolean;
  readonly firstFrame: number;
  /** Where that one is. */
  readonly dataAt: number;
  readonly key: SegmentKey | undefined;
}

/**
 * Reads a spool directory, changing nothing; a gateway may be at work in it. Two segments at a time are in memory.
 *
 * @param sealing opens what is encrypted for `visit`; the rest can be told without it.
 */
export async function surveySpool(
  files: FileLayer,
  directory: string,
  visit?: SegmentVisitor,
  sealing?: SpoolSealing,
): Promise<Survey> {
  const reader = await DirectoryReader.open(files, directory);
  const segments: SurveyedSegment[] = [];
  let nextFrame = 1;
  let torn: SurveyedSegment | undefined;
  let before: SurveyedSegment | undefined;
  let current = await reader.next();
  while (current !== undefined) {
    const file: SegmentFile = current;
    const following = await reader.next();
    const { cursor } = reader;
    const frames: PlacedFrame[] = [];
    const place = visit && ((frame: PlacedFrame) => frames.push(frame));
    const isFinished = following !== undefined || reader.hasHeldBehind(file.segment);
    const neighbours = { before, next: following?.beginning, isFinished, cursor };
    const surveyed = surveySegment(file, neighbours, place, sealing);
    await visit?.(file.name, frames);
    if (surveyed.tornBytes > 0) torn = surveyed;
    // It may be all that proves that a gap before it is no torn tail: it stays until that is done with.
    const needed = segments.at(-1);
    const isProof = following === undefined && needed !== undefined && (needed.hasGap || needed.damage.length > 0);
    if (surveyed.frames > 0 || surveyed.damage.length > 0) segments.push(surveyed);
    else if (!isProof) reader.needless.push(file.name);
    before = surveyed;
    nextFrame = Math.max(nextFrame, surveyed.nextFrame, surveyed.damage.at(-1)?.nextFrame ?? 0);
    current = following;
  }
  const { cursor, needless, unreadable, nextSegment } = reader;
  nextFrame = Math.max(nextFrame, cursor?.frame ?? 1);
  return { cursor, segments, needless, unreadable, nextFrame, nextSegment, torn };
}

/** Reads segment files one after the other, and the cursor that belongs to what is left of them. */
class DirectoryReader {
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #names: string[];
  cursor: Cursor | undefined;
  readonly nextSegment: number;
  readonly needless: string[] = [];
  readonly unreadable: UnreadableFile[] = [];
  /** The highest number of a file of which nothing can be read, or that is kept as damaged. */
  #lastHeld: number;

  /** The names come before the cursor, so that a segment that was removed in between is missed when its turn comes. */
  static async open(files: FileLayer, directory: string): Promise<DirectoryReader> {
    const names = await files.list(directory);
    const reader = new DirectoryReader(files, directory, names);
    reader.cursor = await readCursor(files, directory);
    return reader;
  }

  private constructor(files: FileLayer, directory: string, names: readonly string[]) {
    this.#files = files;
    this.#directory = directory;
    this.#names = names.filter((name) => segmentName.test(name)).sort();
    this.nextSegment = highestNumber(names) + 1;
    this.#lastHeld = highestNumber(names.filter((name) => !segmentName.test(name)));
  }

  /**
   * Whether a later file held something that cannot be read any more. A file is only begun when nothing more is written to
   * those before it. Once there is no next file.
   */
  hasHeldBehind(segment: number): boolean {
    return this.#lastHeld > segment;
  }

  /** The next file in which something can be read. */
  async next(): Promise<SegmentFile | undefined> {
    for (let name = this.#names.shift(); name !== undefined; name = this.#names.shift()) {
      const read = await this.#read(name);
      if (read === undefined) continue;
      const { bytes, lost } = read;
      const segment = Number.parseInt(name, 10);
      const beginning = beginningOf(bytes);
      if (beginning !== undefined) return { name, segment, bytes, lost, beginning };
      // Frames are written once the header is durable: a file whose header was cut short never held any.
      if (bytes.length <= sealedHeaderBytes && lost.length === 0) {
        this.needless.push(name);
        continue;
      }
      this.unreadable.push({ name, bytes: bytes.length });
      this.#lastHeld = Math.max(this.#lastHeld, segment);
    }
    return undefined;
  }

  async #read(name: string): Promise<ReadAround | undefined> {
    const path = join(this.#directory, name);
    try {
      return await this.#readWhole(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Removed since the directory was listed, by the gateway at work: the cursor has passed it by now.
      this.cursor = await readCursor(this.#files, this.#directory);
      return undefined;
    }
  }

  async #readWhole(path: string): Promise<ReadAround> {
    try {
      return { bytes: await this.#files.read(path), lostBytes: 0, lost: [] };
    } catch (error) {
      if (!isMediumError(error)) throw error;
      return readAround(this.#files, path, 0, await this.#files.size(path));
    }
  }
}

const highestNumber = (names: readonly string[]): number =>
  names.reduce((highest, name) => Math.max(highest, Number.parseInt(segmentOrKeptName.exec(name)?.[1] ?? '0', 10)), 0);

/** Undefined where the header is damaged and there is no good frame. */
function beginningOf(bytes: Buffer): Beginning | undefined {
  const header = decodeSegmentHeader(bytes);
  if (header !== undefined) {
    return { isDamaged: false, firstFrame: header.firstFrame, dataAt: headerBytesOf(header), key: header.key };
  }
  const found = findFrame(bytes, 0);
  if (found === undefined) return undefined;
  const { frame, at } = found;
  return { isDamaged: true, firstFrame: frame.number, dataAt: at, key: keyInFrame(bytes, frame) };
}

interface Neighbours {
  readonly before: SurveyedSegment | undefined;
  /** Of the segment behind it. */
  readonly next: Beginning | undefined;
  /** As in `WalkLimits`. */
  readonly isFinished: boolean;
  readonly cursor: Cursor | undefined;
}

/** The frame that a segment should begin with; infinite where nobody knows. */
function expectedFrame({ isDamaged }: Beginning, { before, cursor }: Neighbours): number {
  // A first segment that begins behind the cursor has lost its predecessor; without a cursor nobody knows.
  if (before === undefined) return cursor?.frame ?? Number.POSITIVE_INFINITY;
  // From there on the walk through each segment has said whether it reaches to the next one, if that says where it begins.
  if (!isDamaged) return Number.POSITIVE_INFINITY;
  return Math.max(before.nextFrame, before.damage.at(-1)?.nextFrame ?? 0);
}

function surveySegment(
  { name, segment, bytes, lost, beginning }: SegmentFile,
  neighbours: Neighbours,
  place: ((frame: PlacedFrame) => unknown) | undefined,
  spoolSealing: SpoolSealing | undefined,
): SurveyedSegment {
  const { firstFrame, dataAt, key } = beginning;
  const { next, isFinished, cursor } = neighbours;
  const sealing = spoolSealing?.find({ segment, key });
  const settledBelow = cursor?.frame ?? 0;
  const limit = next?.firstFrame ?? Number.POSITIVE_INFINITY;
  let frames = 0;
  let records = 0;
  const topics = new Set<string>();
  let firstAtMs: number | undefined;
  let lastAtMs: number | undefined;
  const walked = walkSegment(
    bytes,
    { dataAt, firstFrame, limit, isLimitSure: next?.isDamaged !== true, settledBelow, isFinished, lost },
    (frame, at) => {
      if (frame.number < settledBelow) return;
      frames += 1;
      records += frame.records;
      topics.add(frame.topic);
      firstAtMs ??= frame.spooledAtMs;
      lastAtMs = frame.spooledAtMs;
      place?.({ at, frame, content: contentOf(frame, bytes, at, at, { key, sealing }) });
    },
  );
  const damage = [...walked.damage];
  const expected = expectedFrame(beginning, neighbours);
  // Whose batches are all on Kafka is of no use any more, whole or not.
  if (beginning.isDamaged && walked.nextFrame > settledBelow) {
    const firstLost = Math.min(Math.max(expected, settledBelow), firstFrame);
    damage.unshift({ from: 0, to: dataAt, firstFrame: firstLost, nextFrame: firstFrame });
  } else if (!beginning.isDamaged && firstFrame > expected) {
    damage.unshift({ from: 0, to: 0, firstFrame: expected, nextFrame: firstFrame });
  }
  const { end, nextFrame, hasGap, tornBytes } = walked;
  const fileBytes = bytes.length;
  const extent = { name, segment, firstFrame, nextFrame, dataAt, key, end, fileBytes };
  return { ...extent, frames, records, topics, firstAtMs, lastAtMs, damage, hasGap, tornBytes };
}
