import { join } from 'node:path';
import type { FileLayer, SpoolFile } from './file-layer.ts';
import { encodeSegmentHeader, headerBytesOf, sealedHeaderBytes, segmentHeaderBytes } from './frame-format.ts';
import { type SegmentSealing, SpoolSealing } from './frame-sealing.ts';
import type { SegmentKey } from './segment-key.ts';
import { type DamagedRange, type SurveyedSegment, segmentFileName } from './survey.ts';

/** A segment file with frames that are durable. */
export interface Segment {
  readonly name: string;
  readonly path: string;
  readonly firstFrame: number;
  /** One more than its last durable frame. */
  nextFrame: number;
  /** Where its first frame begins. */
  readonly dataAt: number;
  /** What it is encrypted under; undefined: it is plain. */
  readonly key: SegmentKey | undefined;
  /** What its frames are sealed and opened with; there if `key` is. */
  readonly sealing: SegmentSealing | undefined;
  /** Where its durable frames end. */
  end: number;
  /** Records and frames in it that have not been read for replay. */
  unread: { records: number; frames: number };
  /** When its first frame was spooled; in the infinite future when none can be read, so that it makes nothing look old. */
  readonly firstAtMs: number;
  /** Not all of it could be read: kept under another name when it is done with. */
  damaged: boolean;
  /** Damage that was reported when the spool was opened. */
  readonly knownDamage: readonly DamagedRange[];
}

/** What a group needs to be written. */
export interface GroupBytes {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;
  readonly firstFrame: number;
  readonly nextFrame: number;
  readonly firstAtMs: number;
}

export interface WrittenGroup {
  readonly segment: Segment;
  /** Where the group begins. */
  readonly at: number;
  readonly bytes: number;
  readonly writeMs: number;
  readonly syncMs: number;
}

/** What a segment is called that is done with, but of which not everything could be read. */
export const damagedSuffix = '.damaged';
export const damagedFileName = (name: string): string => `${name}${damagedSuffix}`;

const nothingKept: { readonly files: number; readonly bytes: number } = { files: 0, bytes: 0 };
const noSealing = new SpoolSealing(undefined, false);
const probeFileName = 'probe';

/** The segment files of a spool. Its asynchronous functions must not overlap; `GroupWriter` sees to that. */
export class Segments {
  readonly #files: FileLayer;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #sealing: SpoolSealing;
  /** Oldest first; the last one may be the one that is written. */
  readonly list: Segment[] = [];
  #active: { readonly segment: Segment; readonly file: SpoolFile } | undefined;
  #nextSegment: number;
  /** Of all segments. */
  bytes = 0;
  /** Of the files that are kept as damaged; nobody but the operator removes them. */
  readonly kept: { files: number; bytes: number };

  constructor(
    files: FileLayer,
    directory: string,
    segmentBytes: number,
    nextSegment: number,
    kept = nothingKept,
    sealing = noSealing,
  ) {
    this.#files = files;
    this.#sealing = sealing;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#nextSegment = nextSegment;
    this.kept = { ...kept };
  }

  /** Takes over a segment of an earlier process; only read from now on. @throws {SpoolError} `spool_key_missing` */
  adopt(surveyed: SurveyedSegment): void {
    const { name, firstFrame, nextFrame, dataAt, key, end, records, frames, firstAtMs, damage } = surveyed;
    const sealing = this.#sealing.forExisting(surveyed, name);
    const damaged = damage.length > 0;
    const path = join(this.#directory, name);
    const sinceMs = firstAtMs ?? Number.POSITIVE_INFINITY;
    const place = { name, path, firstFrame, nextFrame, dataAt, key, sealing, end, unread: { records, frames } };
    this.list.push({ ...place, firstAtMs: sinceMs, damaged, knownDamage: damage });
    this.bytes += end;
  }

  /** The first frame that is not durable in any segment would have this number. 0: there is no segment. */
  get nextFrame(): number {
    return this.list.at(-1)?.nextFrame ?? 0;
  }

  /** Bytes of a new segment without frames. */
  get headerBytes(): number {
    return this.#sealing.seals ? sealedHeaderBytes : segmentHeaderBytes;
  }

  /** Resolves when the group is on the disk. @throws when it may not be; then it has to be written once more. */
  async write(group: GroupBytes): Promise<WrittenGroup> {
    try {
      return await this.#write(group);
    } catch (error) {
      // What the kernel has of a failed write or fsync is unknown, and asking again would only hide it: a failed fsync
      // drops what it could not write, and the next one succeeds without it. Everything goes into another segment.
      await this.#abandonActive();
      throw error;
    }
  }

  async #write(group: GroupBytes): Promise<WrittenGroup> {
    const startedAtMs = performance.now();
    const { segment, file } = await this.#segmentFor(group);
    const at = segment.end;
    await file.write(segment.sealing === undefined ? group.buffers : sealed(group.buffers, segment.sealing, at), at);
    const writtenAtMs = performance.now();
    await file.sync();
    segment.end += group.bytes;
    segment.nextFrame = group.nextFrame;
    this.bytes += group.bytes;
    return {
      segment,
      at,
      bytes: group.bytes,
      writeMs: writtenAtMs - startedAtMs,
      syncMs: performance.now() - writtenAtMs,
    };
  }

  async #segmentFor(group: GroupBytes): Promise<{ segment: Segment; file: SpoolFile }> {
    const { firstFrame, firstAtMs, bytes } = group;
    if (this.#active !== undefined) {
      const { segment } = this.#active;
      const fits = segment.end + bytes <= this.#segmentBytes || segment.end === segment.dataAt;
      if (fits && segment.nextFrame === firstFrame) return this.#active;
      await this.closeActive();
    }
    this.#active = await this.#create(firstFrame, firstAtMs);
    return this.#active;
  }

  async #create(firstFrame: number, firstAtMs: number): Promise<{ segment: Segment; file: SpoolFile }> {
    const number = this.#nextSegment;
    this.#nextSegment += 1;
    const name = segmentFileName(number);
    const path = join(this.#directory, name);
    const sealing = this.#sealing.forNew(number);
    const header = { segment: number, firstFrame, key: sealing?.key };
    const file = await this.#files.openForWriting(path, 'refuse');
    try {
      await file.write([encodeSegmentHeader(header)], 0);
      await file.sync();
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => undefined);
      await this.#files.remove(path).catch(() => undefined);
      throw error;
    }
    const end = headerBytesOf(header);
    const place = {
      name,
      path,
      firstFrame,
      nextFrame: firstFrame,
      dataAt: end,
      key: header.key,
      sealing,
      end,
      unread: { records: 0, frames: 0 },
    };
    const segment = { ...place, firstAtMs, damaged: false, knownDamage: [] };
    this.list.push(segment);
    this.bytes += end;
    return { segment, file };
  }

  /**
   * Proves that the disk works, with nothing to write: makes a file and removes it. It is no segment: one that begins
   * before the end of what is durable would supersede all of that, if a crash left it behind.
   */
  async probe(): Promise<void> {
    const path = join(this.#directory, probeFileName);
    const file = await this.#files.openForWriting(path, 'keep');
    try {
      await file.write([encodeSegmentHeader({ segment: 0, firstFrame: 0 })], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.remove(path);
  }

  /** Nothing more is written to the segment at hand. */
  async closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  /** The same, after a failure: cuts off what is not durable, as far as the disk lets us; it is superseded in any case. */
  async #abandonActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    if (active === undefined) return;
    const { segment, file } = active;
    await file.truncate(segment.end).catch(() => undefined);
    await file.close().catch(() => undefined);
    if (segment.end === segment.dataAt) await this.#remove(segment).catch(() => undefined);
  }

  /** Removes the segments whose frames are all before `cursor`. The cursor must be durable. */
  async removeBefore(cursor: number, isIdle: boolean): Promise<void> {
    for (let oldest = this.list[0]; oldest !== undefined && oldest.nextFrame <= cursor; oldest = this.list[0]) {
      if (oldest === this.#active?.segment) {
        if (!isIdle || oldest.end === oldest.dataAt) return;
        await this.closeActive();
      }
      await this.#remove(oldest);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    if (segment.damaged) {
      await this.#files.rename(segment.path, damagedFileName(segment.path));
      this.kept.files += 1;
      this.kept.bytes += segment.end;
    } else {
      await this.#files.remove(segment.path);
    }
    this.list.splice(this.list.indexOf(segment), 1);
    this.bytes -= segment.end;
  }
}

/** Frames as they lie on the disk: encrypted, each for its place, from `from` on. */
function sealed(frames: readonly Buffer[], sealing: SegmentSealing, from: number): Buffer[] {
  let at = from;
  return frames.map((frame) => {
    const bytes = sealing.seal(frame, at);
    at += bytes.length;
    return bytes;
  });
}
