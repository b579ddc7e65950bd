import { closeSync, fsync, openSync, writevSync } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';

/**
 * A file of vehicles' states: "EIGA", the version (uint32), then frames, numbers big-endian:
 *
 *     0 length of the body uint32 · 4 CRC-32 of what follows uint32 · 8 kind uint8 · 9 body
 *
 * Kind 1: states (`core/alerts/state/state-block.ts`); a later one of a vehicle replaces an earlier one. Kind 2: the file
 * holds every vehicle by now, and needs no earlier file.
 */
const magic = Buffer.from('EIGA');
const version = 1;
const frameHeadBytes = 9;
export const statesKind = 1;
export const completeKind = 2;
type FrameKind = typeof statesKind | typeof completeKind;

const sync = promisify(fsync);

/** A file of states that is written; only appended to. */
export class StateFile {
  readonly #descriptor: number;
  readonly #head = Buffer.alloc(frameHeadBytes);
  bytes = 0;

  /** Creates the file. @throws what the file system says. */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'wx', 0o600);
    const header = Buffer.alloc(magic.length + 4);
    magic.copy(header);
    header.writeUInt32BE(version, magic.length);
    this.#write([header]);
  }

  /** @throws when not all of it was written; then nothing more must be appended. */
  append(kind: FrameKind, body: Uint8Array): void {
    const head = this.#head;
    head.writeUInt32BE(body.length, 0);
    head[8] = kind;
    head.writeUInt32BE(crc32(body, crc32(head.subarray(8))), 4);
    this.#write([head, body]);
  }

  #write(parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const written = writevSync(this.#descriptor, [...parts]);
    this.bytes += written;
    if (written < length) throw new Error(`the disk took ${written} of ${length} bytes`);
  }

  /** Resolves when everything appended is on the disk. */
  sync(): Promise<void> {
    return sync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Reads the frames of a file.
 *
 * @param onStates takes the body of a frame of states; false: it can't be read.
 * @returns `torn`: it ends within a frame, as a process leaves it that was killed while it wrote. `damaged`: something in
 * it is not what was written, or it is of another version.
 */
export function readStateFile(file: Buffer, onStates: (body: Uint8Array) => boolean): 'whole' | 'torn' | 'damaged' {
  const start = magic.length + 4;
  if (file.length < start) return 'torn';
  if (file.compare(magic, 0, 4, 0, 4) !== 0 || file.readUInt32BE(magic.length) !== version) return 'damaged';
  for (let at = start; at < file.length; ) {
    if (at + frameHeadBytes > file.length) return 'torn';
    const end = at + frameHeadBytes + file.readUInt32BE(at);
    if (end > file.length) return 'torn';
    if (crc32(file.subarray(at + 8, end)) !== file.readUInt32BE(at + 4)) return 'damaged';
    if (file[at + 8] === statesKind && !onStates(file.subarray(at + frameHeadBytes, end))) return 'damaged';
    at = end;
  }
  return 'whole';
}
