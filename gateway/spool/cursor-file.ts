import { join } from 'node:path';
import { crc32c } from '@platformatic/kafka';
import { readUint64, writeUint64 } from './encoding.ts';
import type { FileLayer, SpoolFile } from './file-layer.ts';
import { isMediumError } from './read-around.ts';

export const cursorFileName = 'cursor';
const slotBytes = 64;
const magic = Buffer.from('EIGC');

/**
 * Everything before the frame `frame` is settled and need not be replayed. Two slots of 64 bytes are written in turn, so
 * that a write cut short leaves the other one:
 *
 *     0 "EIGC" · 4 CRC32C uint32 of what follows · 8 version of the cursor uint64 · 16 frame uint64
 *
 * An older cursor than the truth is harmless: what it forgets is replayed once more, and its event ids are the same.
 */
export interface Cursor {
  readonly version: number;
  readonly frame: number;
}

/** @returns undefined when neither slot is whole. */
export function decodeCursor(bytes: Buffer): Cursor | undefined {
  let newest: Cursor | undefined;
  for (const at of [0, slotBytes]) {
    const slot = bytes.subarray(at, at + 24);
    if (slot.length < 24 || slot.compare(magic, 0, 4, 0, 4) !== 0) continue;
    if (slot.readUInt32BE(4) !== crc32c(slot.subarray(8)) >>> 0) continue;
    const cursor = { version: readUint64(slot, 8), frame: readUint64(slot, 16) };
    if (newest === undefined || cursor.version > newest.version) newest = cursor;
  }
  return newest;
}

export async function readCursor(files: FileLayer, directory: string): Promise<Cursor | undefined> {
  try {
    return decodeCursor(await files.read(join(directory, cursorFileName)));
  } catch (error) {
    // One that the disk has lost is like none: everything that is there is replayed, some of it once more.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || isMediumError(error)) return undefined;
    throw error;
  }
}

/** Writes the cursor. Whoever calls `write` waits for it before calling again. */
export class CursorFile {
  readonly #files: FileLayer;
  readonly #path: string;
  #file: SpoolFile | undefined;
  #version: number;

  constructor(files: FileLayer, directory: string, version: number) {
    this.#files = files;
    this.#path = join(directory, cursorFileName);
    this.#version = version;
  }

  async write(frame: number): Promise<void> {
    const version = this.#version + 1;
    const slot = Buffer.alloc(slotBytes);
    magic.copy(slot);
    writeUint64(slot, version, 8);
    writeUint64(slot, frame, 16);
    slot.writeUInt32BE(crc32c(slot.subarray(8, 24)) >>> 0, 4);
    try {
      this.#file ??= await this.#files.openForWriting(this.#path, 'keep');
      await this.#file.write([slot], (version % 2) * slotBytes);
      await this.#file.sync();
    } catch (error) {
      // The next try goes to the same slot: the other one may be the only good one by now.
      await this.close().catch(() => undefined);
      throw error;
    }
    this.#version = version;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
