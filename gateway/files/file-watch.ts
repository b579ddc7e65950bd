import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/**
 * Tells when some of a few files have changed. Looks at them at an interval: that also sees what is mounted from
 * elsewhere, and a link that was pointed at another file, which is how Kubernetes exchanges a ConfigMap.
 */
export class FileWatch {
  readonly #paths: () => readonly string[];
  readonly #changed: (paths: readonly string[]) => void;
  readonly #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param paths which files; asked at each look.
   * @param changed called once for all that one look has found: files that belong together are replaced together.
   */
  constructor(paths: () => readonly string[], changed: (paths: readonly string[]) => void) {
    this.#paths = paths;
    this.#changed = changed;
  }

  /**
   * What the files are now is what a change is told from. For who reads them right afterwards: what is replaced between
   * that and `start` is found by the first look.
   */
  mark(): void {
    for (const path of this.#paths()) this.#seen.set(path, fingerprintNow(path));
  }

  /** Looks now, and then at each interval. Without `mark`, what the files are now is what a change is told from. */
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
    const changed: string[] = [];
    for (const path of this.#paths()) {
      const now = await fingerprint(path);
      const before = this.#seen.get(path);
      this.#seen.set(path, now);
      if (before !== undefined && before !== now) changed.push(path);
    }
    if (changed.length > 0) this.#changed(changed);
  }
}

async function fingerprint(path: string): Promise<string> {
  try {
    return fingerprintOf(await stat(path));
  } catch (error) {
    return reasonOf(error);
  }
}

function fingerprintNow(path: string): string {
  try {
    return fingerprintOf(statSync(path));
  } catch (error) {
    return reasonOf(error);
  }
}

const fingerprintOf = ({ ino, size, mtimeMs }: Stats): string => `${ino}:${size}:${mtimeMs}`;

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unreadable';
