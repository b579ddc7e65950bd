import { join } from 'node:path';
import { type Cursor, readCursor } from './cursor-file.ts';
import type { FileLayer } from './file-layer.ts';
import { decodeSegmentHeader, findFrame, type ReadFrame, segmentHeaderBytes } from './frame-format.ts';
import { type DamagedRange, walkSegment } from './walk-segment.ts';

export type { DamagedRange } from './walk-segment.ts';

/** A good frame that the cursor has not passed, and where it is in its segment. */
export interface PlacedFrame {
  readonly at: number;
  readonly frame: ReadFrame;
}

/** Shown the frames of one segment after the other, in order; the next segment is read when it has resolved. */
export type SegmentVisitor = (segment: string, frames: readonly PlacedFrame[]) => void | Promise<void>;

const segmentName = /^(\d{16})\.segment$/;

export const segmentFileName = (segment: number): string => `${String(segment).padStart(16, '0')}.segment`;

/** What a segment file holds. */
export interface SurveyedSegment {
  readonly name: string;
  readonly segment: number;
  readonly firstFrame: number;
  /** One more than its last frame. */
  readonly nextFrame: number;
  /** Where its last good frame ends. */
  readonly end: number;
  readonly fileBytes: number;
  /** Of frames that the cursor has not passed. */
  readonly frames: number;
  readonly records: number;
  /** When its first frame was spooled; undefined when it has none. */
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
  readonly damage: readonly DamagedRange[];
}

export interface Survey {
  readonly cursor: Cursor | undefined;
  /** With frames that are not settled, oldest first. */
  readonly segments: readonly SurveyedSegment[];
  /** Files without anything that is still needed: settled, superseded, or not begun. */
  readonly needless: readonly string[];
  /** Number of the next frame that is written. */
  readonly nextFrame: number;
  readonly nextSegment: number;
  /** Bytes behind the last good frame of the last segment: a write that was cut short, or is under way. */
  readonly tornBytes: number;
}

interface SegmentFile {
  readonly name: string;
  readonly segment: number;
  readonly bytes: Buffer;
}

/**
 * Reads a spool directory, changing nothing. One segment at a time is in memory.
 */
export async function surveySpool(files: FileLayer, directory: string, visit?: SegmentVisitor): Promise<Survey> {
  const cursor = await readCursor(files, directory);
  const names = (await files.list(directory)).filter((name) => segmentName.test(name)).sort();
  const segments: SurveyedSegment[] = [];
  const needless: string[] = [];
  /** A first segment that begins later than this has lost its predecessor; without a cursor nobody knows. */
  let expected = cursor?.frame ?? Number.POSITIVE_INFINITY;
  let nextFrame = Math.max(1, cursor?.frame ?? 1);
  let tornBytes = 0;
  let current = await readFirst(files, directory, names, needless);
  while (current !== undefined) {
    const file: SegmentFile = current;
    const following = await readFirst(files, directory, names, needless);
    const limit = following === undefined ? Number.POSITIVE_INFINITY : firstFrameOf(following.bytes);
    const frames: PlacedFrame[] = [];
    const surveyed = surveySegment(file, expected, limit, cursor, visit === undefined ? undefined : frames);
    await visit?.(file.name, frames);
    if (following === undefined) tornBytes = file.bytes.length - surveyed.end;
    if (surveyed.frames > 0 || surveyed.damage.length > 0) segments.push(surveyed);
    else needless.push(file.name);
    // From here on the walk through each segment says whether it reaches to the next one.
    expected = Number.POSITIVE_INFINITY;
    nextFrame = Math.max(nextFrame, surveyed.nextFrame);
    current = following;
  }
  const lastName = [...segments.map(({ name }) => name), ...needless].sort().at(-1);
  return {
    cursor,
    segments,
    needless,
    nextFrame,
    nextSegment: lastName === undefined ? 1 : Number.parseInt(lastName, 10) + 1,
    tornBytes,
  };
}

/** The next file with a frame or a header in it; takes its name off `names`. */
async function readFirst(
  files: FileLayer,
  directory: string,
  names: string[],
  needless: string[],
): Promise<SegmentFile | undefined> {
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const bytes = await files.read(join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      // Settled and removed since the directory was listed, by the gateway at work.
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined) continue;
    // A file whose beginning was cut short holds nothing: frames are written once the header is durable.
    if (Number.isFinite(firstFrameOf(bytes))) return { name, segment: Number.parseInt(name, 10), bytes };
    needless.push(name);
  }
  return undefined;
}

/** Also of a segment whose header is damaged, as long as it has a good frame. */
function firstFrameOf(bytes: Buffer): number {
  const header = decodeSegmentHeader(bytes);
  return header?.firstFrame ?? findFrame(bytes, 0)?.frame.number ?? Number.POSITIVE_INFINITY;
}

function surveySegment(
  { name, segment, bytes }: SegmentFile,
  expected: number,
  limit: number,
  cursor: Cursor | undefined,
  placed: PlacedFrame[] | undefined,
): SurveyedSegment {
  const settledBelow = cursor?.frame ?? 0;
  const firstFrame = firstFrameOf(bytes);
  let frames = 0;
  let records = 0;
  let firstAtMs: number | undefined;
  let lastAtMs: number | undefined;
  const walked = walkSegment(bytes, { expected: firstFrame, limit, settledBelow }, (frame, at) => {
    if (frame.number < settledBelow) return;
    frames += 1;
    records += frame.records;
    firstAtMs ??= frame.spooledAtMs;
    lastAtMs = frame.spooledAtMs;
    placed?.push({ at, frame });
  });
  const damage = [...walked.damage];
  if (decodeSegmentHeader(bytes) === undefined) {
    damage.unshift({ from: 0, to: segmentHeaderBytes, firstFrame, nextFrame: firstFrame });
  }
  if (firstFrame > expected) {
    damage.unshift({ from: 0, to: 0, firstFrame: expected, nextFrame: firstFrame });
  }
  const { end, nextFrame } = walked;
  const fileBytes = bytes.length;
  return { name, segment, firstFrame, nextFrame, end, fileBytes, frames, records, firstAtMs, lastAtMs, damage };
}
