import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** An open file that is written. */
export interface SpoolFile {
  /** Writes all of `buffers` from `position` on. @throws when not all of it could be written. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** What the spool asks of the file system; tests put faults in between. */
export interface FileLayer {
  /** Makes a directory, and its parents, that only this user may enter; durable. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the entries of a directory durable: a file that was created or removed. */
  syncDirectory(path: string): Promise<void>;
  /** Creates a file that only this user may read. `existing`: opens it when it is there already. */
  openForWriting(path: string, existing: 'refuse' | 'keep'): Promise<SpoolFile>;
  list(path: string): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  /** Bytes of a file. */
  size(path: string): Promise<number>;
  /** Reads at most `target.length` bytes; fewer at the end of the file. Synchronous: see `ReplayReader`. */
  readInto(path: string, target: Buffer, position: number): number;
  /** One that is gone already is no error. */
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

const directoryMode = 0o700;
const fileMode = 0o600;

class NodeFile implements SpoolFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    let rest = [...buffers];
    for (let at = position; rest.length > 0; ) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      // A full disk takes a part first and says so only when it is asked again.
      if (bytesWritten === 0) throw new Error('the disk took nothing');
      at += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What is left of `buffers` when the first `bytes` of them are written. */
function behind(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let written = bytes;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (written < buffer.length) rest.push(buffer.subarray(written));
    written = Math.max(0, written - buffer.length);
  }
  return rest;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const nodeFiles: FileLayer = {
  async makeDirectory(path) {
    const absolute = resolve(path);
    const first = await mkdir(absolute, { recursive: true, mode: directoryMode });
    if (first === undefined) return;
    // Each of those that were made is an entry of the one above it.
    for (let made = absolute; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
  },
  syncDirectory,
  async openForWriting(path, existing) {
    const flags = existing === 'refuse' ? 'wx' : 'r+';
    const handle = await open(path, flags, fileMode).catch((error: NodeJS.ErrnoException) => {
      if (existing === 'keep' && error.code === 'ENOENT') return open(path, 'wx', fileMode);
      throw error;
    });
    return new NodeFile(handle);
  },
  list: (path) => readdir(path),
  read: (path) => readFile(path),
  size: async (path) => (await stat(path)).size,
  readInto(path, target, position) {
    const descriptor = openSync(path, 'r');
    try {
      return readSync(descriptor, target, 0, target.length, position);
    } finally {
      closeSync(descriptor);
    }
  },
  remove: (path) => rm(path, { force: true }),
  rename: (from, to) => rename(from, to),
};
