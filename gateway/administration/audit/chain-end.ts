import type { FileHandle } from 'node:fs/promises';
import { AdministrationError } from '../administration-error.ts';
import { readChained } from './audit-record.ts';

/** Where a chain is to be continued. */
export interface ChainEnd {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
  /**
   * What stands behind the last whole record: of a write that a crash or a full disk has cut short. Empty: nothing. A line
   * break at its end is not part of it.
   */
  readonly torn: Uint8Array;
  readonly endsWithBreak: boolean;
}

/** More than two of the longest records. */
const tailBytes = 65_536;
const lineBreak = 0x0a;

/**
 * Finds the last whole record of the file, which may be followed by one that is not whole.
 *
 * @returns undefined for an empty file.
 * @throws {AdministrationError} when there is none near the end: then this is no audit file.
 */
export async function readChainEnd(file: FileHandle, path: string): Promise<ChainEnd | undefined> {
  const { size } = await file.stat();
  if (size === 0) return undefined;
  const length = Math.min(size, tailBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  const tail = buffer.subarray(0, bytesRead);
  const endsWithBreak = tail.at(-1) === lineBreak;
  let end = endsWithBreak ? tail.length - 1 : tail.length;
  const last = end;
  while (end > 0) {
    const start = tail.lastIndexOf(lineBreak, end - 1) + 1;
    const record = readChained(tail.toString('utf8', start, end));
    if (record !== undefined) {
      const torn = end === last ? new Uint8Array() : Uint8Array.from(tail.subarray(end + 1, last));
      return { chain: record.chain, seq: record.seq, hash: record.hash, torn, endsWithBreak };
    }
    end = start - 1;
  }
  const message = `audit file ${path}: its end holds no audit record that is whole: move the file away and keep it, a new one is begun`;
  throw new AdministrationError('audit_unreadable', message);
}
