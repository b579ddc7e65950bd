import { appendFile, readFile } from 'node:fs/promises';

interface Entry {
  readonly key: string;
  readonly value: unknown;
}

/**
 * What has been measured, one line of JSON each in an append-only file, so that a long study can be interrupted and
 * gone on with. Without a file it remembers nothing beyond the process.
 */
export class Journal {
  readonly #file: string | undefined;
  readonly #values = new Map<string, unknown>();

  private constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Reads what is there. A last line that was cut off when the process ended is left out. */
  static async open(file: string | undefined): Promise<Journal> {
    const journal = new Journal(file);
    if (file === undefined) return journal;
    for (const line of (await textOf(file)).split('\n')) {
      const entry = parse(line);
      if (entry !== undefined) journal.#values.set(entry.key, entry.value);
    }
    return journal;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** What was measured under this key; the caller knows its shape. */
  get<T>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  async put(key: string, value: unknown): Promise<void> {
    this.#values.set(key, value);
    // Begins a line of its own also behind one that was cut off.
    if (this.#file !== undefined) await appendFile(this.#file, `\n${JSON.stringify({ key, value } satisfies Entry)}`);
  }
}

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

const parse = (line: string): Entry | undefined => {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.key === 'string' && 'value' in entry ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
};
