import type { FileLayer } from './file-layer.ts';

/** What the medium itself answers for what it has lost, as against a file that may not be read, or too many open ones. */
const mediumErrors: ReadonlySet<string> = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);
/** A disk gives away, or keeps, a page of the kernel at once. */
const pageBytes = 4096;
/** Before a page is given up. */
const triesPerPage = 3;

/** Whether the disk says with this that what is asked for is gone. */
export function isMediumError(error: unknown): boolean {
  return mediumErrors.has((error as NodeJS.ErrnoException)?.code ?? '');
}

/** From one byte of a file up to another. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** What came of reading around the pages that a disk has lost. */
export interface ReadAround {
  /** As far as the file goes. */
  readonly bytes: Buffer;
  /** Bytes of the pages that are lost; they read as zeros, which are no frame. */
  readonly lostBytes: number;
  /** Where these are in the file, in their order. */
  readonly lost: readonly ByteRange[];
}

/**
 * Reads `[from, to)` of a file and leaves out what the disk has lost, page by page.
 *
 * @throws what is no error of the medium.
 */
export function readAround(files: FileLayer, path: string, from: number, to: number): ReadAround {
  const bytes = Buffer.alloc(to - from);
  const lost: ByteRange[] = [];
  const ranges: [from: number, to: number][] = [[from, to]];
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    const [first, last] = range;
    if (tryRead(files, path, bytes.subarray(first - from, last - from), first)) continue;
    const firstPage = Math.floor(first / pageBytes);
    const pages = Math.ceil(last / pageBytes) - firstPage;
    if (pages <= 1) {
      lost.push({ from: first, to: last });
      continue;
    }
    const middle = (firstPage + (pages >> 1)) * pageBytes;
    ranges.push([middle, last], [first, middle]);
  }
  return { bytes, lostBytes: lost.reduce((sum, range) => sum + range.to - range.from, 0), lost };
}

function tryRead(files: FileLayer, path: string, target: Buffer, position: number): boolean {
  const tries = target.length <= pageBytes ? triesPerPage : 1;
  for (let made = 0; made < tries; made += 1) {
    try {
      files.readInto(path, target, position);
      return true;
    } catch (error) {
      if (!isMediumError(error)) throw error;
    }
  }
  target.fill(0);
  return false;
}
