import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rmdir, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export interface SmallDiskOptions {
  /** Room for data while it is not filled; in memory, taken only as it is written. */
  readonly sizeBytes: number;
}

/**
 * Mounts in a namespace of its own, which needs no rights where user namespaces are allowed, and which the operating
 * system takes down with its holder. The holder waits on a pipe from this process, so that it ends with it, however that
 * comes about.
 */
const HOLD = 'mount -t tmpfs -o "size=$1,mode=0700" small-disk "$0" && echo mounted && exec cat';

const START_DEADLINE_MS = 10_000;
const PAGE_BYTES = 4096;
/** How often others may write just while the disk is made as small as what they have written. */
const FILL_TRIES = 100;

/** A file system of a limited size for one process's data, which can be filled up and freed again. */
export class SmallDisk implements AsyncDisposable {
  /** A directory on it, for any process of this machine, as long as this one lives. */
  readonly path: string;
  /**
   * What to write before a program's own command, so that it lives where the disk is mounted and sees the directory as
   * `pathInside`. For programs that resolve symbolic links (SQLite does): they get lost on `path`.
   */
  readonly enter: readonly string[];
  readonly pathInside: string;
  readonly #root: string;
  readonly #mountPoint: string;
  readonly #sizeBytes: number;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, mountPoint: string, sizeBytes: number) {
    this.#root = `/proc/${holder.pid}/root${mountPoint}`;
    this.path = join(this.#root, 'files');
    this.pathInside = join(mountPoint, 'files');
    this.enter = ['nsenter', `--target=${holder.pid}`, '--user', '--mount', '--preserve-credentials', '--'];
    this.#mountPoint = mountPoint;
    this.#sizeBytes = sizeBytes;
    this.#holder = holder;
  }

  /** Whether this machine lets a process mount something in a namespace of its own, and change its size. */
  static async isAvailable(): Promise<boolean> {
    try {
      await using disk = await SmallDisk.mount({ sizeBytes: PAGE_BYTES * 4 });
      await disk.fill();
      return true;
    } catch {
      return false;
    }
  }

  /** @throws {Error} with what `unshare` or `mount` said, where they are not allowed */
  static async mount(options: SmallDiskOptions): Promise<SmallDisk> {
    const mountPoint = await mkdtemp(join(tmpdir(), 'edge-disk-'));
    const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', HOLD, mountPoint, String(options.sizeBytes)];
    const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    holder.stdin.on('error', () => undefined);
    const disk = new SmallDisk(holder, mountPoint, options.sizeBytes);
    try {
      await untilMounted(holder);
      await mkdir(disk.path);
      // Something is always on it: a size of nothing would mean a disk without bounds.
      await writeFile(join(disk.#root, 'never-empty'), Buffer.alloc(PAGE_BYTES));
      return disk;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  /** Takes all space that is left. Whoever frees some of it may write again until the next call. */
  async fill(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const used = await this.#usedBytes();
      try {
        return await this.#resize(used);
      } catch (error) {
        // Refused when more than that is on it by now.
        if (tries === FILL_TRIES || (await this.#usedBytes()) <= used) throw error;
      }
    }
  }

  async #usedBytes(): Promise<number> {
    const { blocks, bfree, bsize } = await statfs(this.#root);
    return (blocks - bfree) * bsize;
  }

  /** Gives back the space that `fill` took. */
  async free(): Promise<void> {
    await this.#resize(this.#sizeBytes);
  }

  /** @throws {Error} with what `mount` said, when less is asked for than is in use */
  async #resize(bytes: number): Promise<void> {
    const [program, ...args] = [...this.enter, 'mount', '-o', `remount,size=${bytes}`, this.#mountPoint];
    await promisify(execFile)(program as string, args);
  }

  /** Unmounts it with all that is on it. A process that has files of it open keeps them until it closes them. */
  async close(): Promise<void> {
    if (this.#holder.pid !== undefined && this.#holder.exitCode === null && this.#holder.signalCode === null) {
      const exited = once(this.#holder, 'exit');
      this.#holder.kill('SIGKILL');
      await exited;
    }
    await rmdir(this.#mountPoint).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function untilMounted(holder: ChildProcess): Promise<void> {
  let said = '';
  holder.stderr?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const failed = new Promise<never>((_resolve, reject) => {
    holder.once('error', reject);
    holder.once('close', (code) => reject(new Error(`unshare ended with exit code ${code}: ${said.trim()}`)));
  });
  const late = AbortSignal.timeout(START_DEADLINE_MS);
  const lines = createInterface({ input: holder.stdout as NodeJS.ReadableStream });
  await Promise.race([once(lines, 'line', { signal: late }), failed]);
  // Nothing more is expected of it; its end must not become an unhandled rejection.
  failed.catch(() => undefined);
}
