import { stat } from 'node:fs/promises';

/**
 * Tells when one of a few files has changed. Looks at them at an interval: that also sees what is mounted from elsewhere,
 * and a link that was pointed at another file, which is how Kubernetes exchanges a ConfigMap.
 */
export class FileWatch {
  readonly #paths: () => readonly string[];
  readonly #changed: (path: string) => void;
  readonly #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param paths which files; asked at each look. */
  constructor(paths: () => readonly string[], changed: (path: string) => void) {
    this.#paths = paths;
    this.#changed = changed;
  }

  /** What the files are now is what a change is told from. */
  async start(intervalMs: number): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks now. A file that is seen for the first time has not changed. */
  async look(): Promise<void> {
    for (const path of this.#paths()) {
      const now = await fingerprint(path);
      const before = this.#seen.get(path);
      this.#seen.set(path, now);
      if (before !== undefined && before !== now) this.#changed(path);
    }
  }
}

async function fingerprint(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
